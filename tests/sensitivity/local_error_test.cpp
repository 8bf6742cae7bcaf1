#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/sensitivity/measurement.h"
#include "sensitivity/fixture.h"

// Metrics of a layer's own weights and output: weight-mse, orm-error, local-error.

namespace ompq::sensitivity {
namespace {

using testing::Fixture;

double relative_change(const Fixture& fixture, std::size_t layer, BitWidth width) {
  return testing::relative_error({fixture.quantized(layer, width)}, {fixture.weight(layer)});
}

LossTable measure(const Fixture& fixture, const MeasureOptions& options) {
  return Measurement(fixture.graph, fixture.layers(), options, fixture.quantizer())
      .result()
      .at(options.metrics.front());
}

TEST(WeightMse, IsTheRelativeSquaredChange) {
  const Fixture fixture(testing::residual_network());
  const LossTable table = measure(fixture, {.metrics = {"weight-mse"}, .widths = fixture.widths});
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      EXPECT_DOUBLE_EQ(table.at(l, w), relative_change(fixture, l, fixture.widths[w]));
    }
  }
}

TEST(WeightMse, OfAWeightOfZerosIsZero) {
  Fixture fixture(testing::residual_network());
  auto& weight = fixture.graph.mutable_value(fixture.layers()[1].weight);
  weight.constant = Tensor(DataType::Float32, weight.constant->shape());
  const LossTable table = measure(fixture, {.metrics = {"weight-mse"}, .widths = fixture.widths});
  for (std::size_t w = 0; w < fixture.widths.size(); ++w) EXPECT_EQ(table.at(1, w), 0);
}

TEST(WeightMse, SortsItsWidths) {
  const Fixture fixture(testing::residual_network());
  const LossTable table = measure(
      fixture,
      {.metrics = {"weight-mse"}, .widths = {BitWidth(8), BitWidth(2), BitWidth(4), BitWidth(2)}});
  EXPECT_EQ(table.widths, fixture.widths);
}

TEST(OrmError, IsTheEnvelopeOfImportanceTimesChange) {
  Fixture fixture(testing::residual_network());
  fixture.widths = {BitWidth(1), BitWidth(2), BitWidth(3), BitWidth(4), BitWidth(6), BitWidth(8)};
  const std::vector<double> theta{0.1, 2.0, 0.0, 1.0};
  const LossTable table =
      measure(fixture, {.metrics = {"orm-error"}, .widths = fixture.widths, .theta = theta});
  for (std::size_t l = 0; l < theta.size(); ++l) {
    const auto at = [&](std::size_t w) { return table.at(l, w); };
    const auto bits = [&](std::size_t w) { return fixture.widths[w].value(); };
    EXPECT_DOUBLE_EQ(at(0), theta[l] * relative_change(fixture, l, fixture.widths[0]));
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      EXPECT_LE(at(w), theta[l] * relative_change(fixture, l, fixture.widths[w]) * (1 + 1e-12));
    }
    for (std::size_t w = 1; w + 1 < fixture.widths.size(); ++w) {
      // A bit less costs at least what a bit more gains.
      const double before = (at(w - 1) - at(w)) / (bits(w) - bits(w - 1));
      const double after = (at(w) - at(w + 1)) / (bits(w + 1) - bits(w));
      EXPECT_GE(before, after - 1e-12 * at(0)) << l << " " << w;
    }
  }
}

TEST(OrmError, RefusesImportanceThatIsMissingOrNoNumber) {
  const Fixture fixture(testing::residual_network());
  MeasureOptions options{.metrics = {"orm-error"}, .widths = fixture.widths};
  EXPECT_THROW((void)measure(fixture, options), ConfigError);
  options.theta = {1, 1, 1};
  EXPECT_THROW((void)measure(fixture, options), ConfigError);
  options.theta = {1, 1, 1, std::nan("")};
  EXPECT_THROW((void)measure(fixture, options), ConfigError);
  options.theta = {1, -1, 1, 1};
  EXPECT_THROW((void)measure(fixture, options), ConfigError);
}

/// Mean and deviation over the samples, from whole passes that capture the layers' features.
double local_error_by_definition(const Fixture& fixture, std::size_t layer, BitWidth width) {
  const auto feature = [&](const graph::Graph& graph) {
    std::vector<double> values;
    const graph::ValueId id = fixture.layers()[layer].feature;
    runtime::Executor executor(graph, {.captured = {id}});
    (void)executor.run(fixture.input, [&](graph::ValueId, const MatrixView& view) {
      const auto* data = static_cast<const float*>(view.data);
      values.assign(data, data + view.rows * view.cols);
    });
    return values;
  };
  const auto real = feature(fixture.graph);
  const auto quantized = feature(fixture.changed({{layer, width}}));
  const auto samples = static_cast<std::size_t>(fixture.input.front().shape().front());
  const std::size_t elements = real.size() / samples;
  std::vector<double> errors(samples, 0.0);
  double norm = 0;
  for (std::size_t i = 0; i < real.size(); ++i) {
    errors[i / elements] += (quantized[i] - real[i]) * (quantized[i] - real[i]);
    norm += real[i] * real[i] / static_cast<double>(samples);
  }
  double mean = 0;
  for (double& error : errors) mean += (error /= norm) / static_cast<double>(samples);
  double variance = 0;
  for (const double error : errors) {
    variance += (error - mean) * (error - mean) / static_cast<double>(samples);
  }
  return mean + std::sqrt(variance);
}

TEST(LocalError, EqualsItsDefinition) {
  const Fixture fixture(testing::residual_network());
  Measurement measurement(fixture.graph,
                          fixture.layers(),
                          {.metrics = {"local-error"}, .widths = fixture.widths},
                          fixture.quantizer());
  runtime::Executor executor(fixture.graph);
  measurement.add_batch(executor, fixture.slice(0, 2));
  measurement.add_batch(executor, fixture.slice(2, 6));
  const LossTable table = measurement.result().at("local-error");
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      // Float32 sums of 4,096 squares at a time, and the outputs' rounding of 2^-24.
      const double expected = local_error_by_definition(fixture, l, fixture.widths[w]);
      EXPECT_NEAR(table.at(l, w), expected, 1e-3 * expected + 1e-10) << l << " " << w;
    }
  }
}

TEST(LocalError, IsTheSameInBFloat16UpToItsRounding) {
  if (!runtime::has_native_bfloat16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  Fixture fixture(testing::residual_network());
  fixture.widths = {BitWidth(2)};
  const auto measured = [&](runtime::Precision precision) {
    Measurement measurement(fixture.graph,
                            fixture.layers(),
                            {.metrics = {"local-error"}, .widths = fixture.widths},
                            fixture.quantizer());
    runtime::Executor executor(fixture.graph, {.precision = precision});
    measurement.add_batch(executor, fixture.input);
    return measurement.result().at("local-error");
  };
  const LossTable exact = measured(runtime::Precision::Float32);
  const LossTable rounded = measured(runtime::Precision::BFloat16);
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    // Each of input, weight and output is off by 2^-9, before and after the change: six roundings
    // next to a change of root(error) of the output.
    const double change = std::sqrt(exact.at(l, 0));
    EXPECT_NEAR(std::sqrt(rounded.at(l, 0)), change, 6 * 0x1p-9) << l;
  }
}

}  // namespace
}  // namespace ompq::sensitivity
