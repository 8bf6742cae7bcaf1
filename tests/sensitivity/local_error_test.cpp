#include "ompq/sensitivity/local_error.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/runtime/executor.h"
#include "ompq/sensitivity/measurement.h"
#include "sensitivity/fixture.h"

namespace ompq::sensitivity {
namespace {

using testing::Fixture;

MatrixView float_view(const std::vector<float>& values,
                      std::int64_t rows,
                      std::int64_t cols,
                      std::int64_t stride) {
  return {.data = values.data(), .rows = rows, .cols = cols, .row_stride = stride};
}

TEST(SquaredDistance, AddsUpRowsWithoutWhatIsBetweenThem) {
  const std::vector<float> a{1, 2, 100, 3, 4, 200};
  const std::vector<float> b{1, 0, 4, 6, -7, -7, -7, -7};
  EXPECT_EQ(squared_distance(float_view(a, 2, 2, 3), float_view(b, 2, 2, 2)), 4 + 1 + 4);
  EXPECT_EQ(squared_distance(float_view(a, 2, 2, 3), float_view(a, 2, 2, 3)), 0);
}

TEST(SquaredDistance, OfLongRowsIsExactInEachChunk) {
  const std::vector<float> zeros(10000, 0.0F);
  const std::vector<float> halves(10000, 0.5F);
  EXPECT_EQ(
      squared_distance(float_view(zeros, 1, 10000, 10000), float_view(halves, 1, 10000, 10000)),
      2500);
}

TEST(SquaredDistance, ReadsBFloat16) {
  const std::vector<std::uint16_t> a{0x3F80, 0x4000};  // 1, 2
  const std::vector<std::uint16_t> b{0x4040, 0xBF80};  // 3, -1
  const auto view = [](const std::vector<std::uint16_t>& values) {
    return MatrixView{
        .data = values.data(), .type = DataType::BFloat16, .rows = 1, .cols = 2, .row_stride = 2};
  };
  EXPECT_EQ(squared_distance(view(a), view(b)), 4 + 9);
}

/// A meter for one layer and one width.
struct OneCell {
  Fixture fixture{testing::smooth_network()};
  MeasureOptions options{.widths = {BitWidth(2)}};
  QuantizedWeight quantized = fixture.quantizer();
  std::vector<graph::Layer> layers{fixture.layers().front()};
  LossTable change{options.widths, {1}};
  std::vector<double> weight{1};
  std::unique_ptr<Meter> meter =
      make_local_error({fixture.graph, layers, options, quantized, change, weight});
};

TEST(LocalError, AddsTheDeviationToTheMean) {
  OneCell one;
  // Two samples with squared norms 4 and 4, errors 1 and 0: mean 1/2, deviation 1/2, over 4.
  const std::vector<float> real{2, 0, 0, 2};
  const std::vector<float> quantized{2, 1, 0, 2};
  one.meter->see_layer({}, float_view(real, 2, 2, 2), float_view(quantized, 2, 2, 2));
  EXPECT_DOUBLE_EQ(one.meter->result().at(0, 0), 0.25);
}

TEST(LocalError, OfAnOutputOfZerosIsZeroAndWithoutSamplesAnError) {
  OneCell one;
  EXPECT_THROW((void)one.meter->result(), DataError);
  const std::vector<float> zeros(4, 0.0F);
  const std::vector<float> ones(4, 1.0F);
  one.meter->see_layer({}, float_view(zeros, 2, 2, 2), float_view(ones, 2, 2, 2));
  EXPECT_EQ(one.meter->result().at(0, 0), 0);
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
