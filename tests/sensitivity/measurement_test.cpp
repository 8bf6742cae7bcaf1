#include "ompq/sensitivity/measurement.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "sensitivity/fixture.h"

namespace ompq::sensitivity {
namespace {

using runtime::Executor;
using testing::Fixture;
using ::testing::HasSubstr;

const std::vector<std::string> kWalked{"output-mse", "output-kl", "local-error"};
const std::vector<std::string> kAll{
    "output-mse", "output-kl", "local-error", "weight-mse", "orm-error", "fisher", "hessian"};

MeasureOptions options_for(const Fixture& fixture, std::vector<std::string> metrics) {
  MeasureOptions options{.metrics = std::move(metrics), .widths = fixture.widths};
  options.theta.assign(fixture.layers().size(), 0.5);
  return options;
}

std::map<std::string, LossTable> measure(const Fixture& fixture,
                                         const MeasureOptions& options,
                                         const std::vector<std::vector<Tensor>>& batches) {
  Measurement measurement(fixture.graph, fixture.layers(), options, fixture.quantizer());
  Executor executor(fixture.graph);
  for (const auto& batch : batches) measurement.add_batch(executor, batch);
  return measurement.result();
}

/// Times that each node ran, by the name of its layer.
std::map<std::string, std::int64_t> calls(const Fixture& fixture, const MeasureOptions& options) {
  Measurement measurement(fixture.graph, fixture.layers(), options, fixture.quantizer());
  Executor executor(fixture.graph, {.profile = true});
  measurement.add_batch(executor, fixture.input);
  std::map<std::string, std::int64_t> result;
  for (const auto& row : executor.profile()) result[row.name] = row.calls;
  return result;
}

/// |z_q - z|^2 of the layer's feature over all samples.
double squared_layer_error(const Fixture& fixture, std::size_t layer, BitWidth width) {
  const graph::ValueId id = fixture.layers()[layer].feature;
  const auto feature = [&](const graph::Graph& graph) {
    std::vector<float> values;
    (void)Executor(graph, {.captured = {id}})
        .run(fixture.input, [&](graph::ValueId, const MatrixView& view) {
          const auto* data = static_cast<const float*>(view.data);
          values.assign(data, data + view.rows * view.cols);
        });
    return values;
  };
  const auto real = feature(fixture.graph);
  const auto quantized = feature(fixture.changed({{layer, width}}));
  double sum = 0;
  for (std::size_t i = 0; i < real.size(); ++i) {
    const double difference = static_cast<double>(quantized[i]) - real[i];
    sum += difference * difference;
  }
  return sum;
}

TEST(Measurement, RunsBehindEachLayerAloneWhatItChanges) {
  const Fixture fixture(testing::smooth_network());
  const auto counted = calls(fixture, options_for(fixture, {"output-mse"}));
  const auto widths = static_cast<std::int64_t>(fixture.widths.size());
  // The whole network once; on the walk each node once, but those after the last layer never.
  EXPECT_EQ(counted.at("conv"), 1 + 1 + widths * 1);
  EXPECT_EQ(counted.at("hidden"), 1 + 1 + widths * 2);
  EXPECT_EQ(counted.at("fc"), 1 + 0 + widths * 3);
}

TEST(Measurement, SharesThePassesOfMetricsThatWatchTheSame) {
  const Fixture fixture(testing::smooth_network());
  EXPECT_EQ(calls(fixture, options_for(fixture, {"output-mse"})),
            calls(fixture, options_for(fixture, {"output-mse", "output-kl"})));
  // The layer's own float output costs the last node one run, for nobody walks past it otherwise.
  auto with_local = calls(fixture, options_for(fixture, kWalked));
  --with_local.at("fc");
  EXPECT_EQ(calls(fixture, options_for(fixture, {"output-mse"})), with_local);
}

TEST(Measurement, RunsForLocalErrorNoMoreThanTheLayersNode) {
  const Fixture fixture(testing::smooth_network());
  const auto counted = calls(fixture, options_for(fixture, {"local-error"}));
  const auto widths = static_cast<std::int64_t>(fixture.widths.size());
  for (const char* layer : {"conv", "hidden", "fc"}) EXPECT_EQ(counted.at(layer), 1 + widths);
  EXPECT_EQ(counted.at("pool"), 1);
}

TEST(Measurement, OfWeightsAloneRunsNothing) {
  const Fixture fixture(testing::smooth_network());
  for (const auto& [node, count] : calls(fixture, options_for(fixture, {"weight-mse", "fisher"}))) {
    EXPECT_EQ(count, 0) << node;
  }
}

TEST(Measurement, DoesNotDependOnTheOrderOfBatches) {
  const Fixture fixture(testing::residual_network());
  const MeasureOptions options = options_for(fixture, kAll);
  const auto forth = measure(fixture, options, {fixture.slice(0, 2), fixture.slice(2, 6)});
  const auto back = measure(fixture, options, {fixture.slice(2, 6), fixture.slice(0, 2)});
  ASSERT_EQ(forth.size(), kAll.size());
  for (const auto& [name, table] : forth) {
    for (std::size_t i = 0; i < table.values.size(); ++i) {
      // Sums of float64 in another order.
      const double expected = table.values[i];
      EXPECT_NEAR(back.at(name).values[i], expected, 1e-6 * expected) << name << " " << i;
    }
  }
}

TEST(Measurement, TablesNeverGrowWithTheWidthNorGoBelowZero) {
  const Fixture fixture(testing::residual_network());
  MeasureOptions options = options_for(fixture, kAll);

  for (const auto& [name, table] : measure(fixture, options, {fixture.input})) {
    ASSERT_EQ(table.rows(), fixture.layers().size()) << name;
    for (std::size_t l = 0; l < table.rows(); ++l) {
      EXPECT_GT(table.at(l, 0), 0) << name << " " << l;
      EXPECT_GE(table.at(l, 2), 0) << name << " " << l;
      for (std::size_t w = 1; w < 3; ++w) EXPECT_LE(table.at(l, w), table.at(l, w - 1)) << name;
    }
  }
}

TEST(Measurement, IsTheSameForASeedAndAnotherForAnother) {
  const Fixture fixture(testing::residual_network());
  MeasureOptions options = options_for(fixture, {"fisher", "hessian"});
  const auto first = measure(fixture, options, {fixture.input});
  const auto again = measure(fixture, options, {fixture.input});
  options.seed = 2;
  const auto other = measure(fixture, options, {fixture.input});
  for (const auto& [name, table] : first) {
    EXPECT_EQ(table.values, again.at(name).values) << name;
    EXPECT_NE(table.values, other.at(name).values) << name;
  }
}

TEST(Measurement, StopsAtTheWidestMeasuredWidth) {
  const Fixture fixture(testing::residual_network());
  MeasureOptions options = options_for(fixture, {"output-mse", "weight-mse"});
  const auto whole = measure(fixture, options, {fixture.input});
  const auto all_calls = calls(fixture, options);
  options.widest_measured = BitWidth(5);  // between 4 and 8
  const auto cut = measure(fixture, options, {fixture.input});
  EXPECT_LT(calls(fixture, options).at("fc"), all_calls.at("fc"));
  const LossTable& loss = cut.at("output-mse");
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    // Fewer networks at once: sums of float32 products in another order.
    const double before = whole.at("output-mse").at(l, 1);
    EXPECT_NEAR(loss.at(l, 1), before, 1e-5 * before);
    const double share =
        squared_layer_error(fixture, l, BitWidth(8)) / squared_layer_error(fixture, l, BitWidth(4));
    EXPECT_NEAR(loss.at(l, 2), loss.at(l, 1) * share, 1e-3 * loss.at(l, 2));
  }
}

TEST(Measurement, ExtrapolatesNotFarFromWhatItWouldMeasure) {
  const Fixture fixture(testing::residual_network());
  MeasureOptions options = options_for(fixture, {"output-mse"});
  const LossTable whole = measure(fixture, options, {fixture.input}).at("output-mse");
  options.widest_measured = BitWidth(4);
  const LossTable cut = measure(fixture, options, {fixture.input}).at("output-mse");
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    // The output moves by a fixed linear map of the layer's error as long as that is small; which
    // directions the error takes changes from width to width. Between the widths lies a factor of
    // about 4^4; a factor of four is a bit's worth.
    EXPECT_LT(cut.at(l, 2), 4 * whole.at(l, 2)) << l;
    EXPECT_GT(cut.at(l, 2), whole.at(l, 2) / 4) << l;
  }
}

TEST(Measurement, CountsASharedWeightOnce) {
  const Fixture fixture(testing::shared_weight_network());
  ASSERT_EQ(fixture.layers().size(), 3U);
  const auto tables = measure(fixture, options_for(fixture, kAll), {fixture.input});
  for (const auto& [name, table] : tables) {
    EXPECT_GT(table.at(0, 0), 0) << name;
    EXPECT_EQ(table.at(1, 0), 0) << name;
  }
  // The first reader's row holds what changing both does.
  const auto real = testing::run(fixture.graph, fixture.input);
  const auto both = testing::run(fixture.changed({{0, BitWidth(2)}}), fixture.input);
  const double expected = testing::relative_error(both, real);
  EXPECT_NEAR(tables.at("output-mse").at(0, 0), expected, 1e-5 * expected);
}

TEST(Measurement, LeavesTheExecutorAsItWasEvenIfItFails) {
  const Fixture fixture(testing::residual_network());
  int asked = 0;
  const auto failing = [&](std::size_t layer, BitWidth width) {
    const int allowed = static_cast<int>(fixture.layers().size() * fixture.widths.size()) + 4;
    if (++asked > allowed) throw DataError("test", "no more weights");
    return fixture.quantized(layer, width);
  };
  Measurement measurement(fixture.graph, fixture.layers(), options_for(fixture, kWalked), failing);
  Executor executor(fixture.graph);
  const auto before = executor.run(fixture.input);
  EXPECT_THROW(measurement.add_batch(executor, fixture.input), DataError);
  EXPECT_TRUE(executor.run(fixture.input).front().equals(before.front()));
}

TEST(Measurement, RefusesWhatItCannotMeasure) {
  const Fixture fixture(testing::residual_network());
  const auto refuses = [&](const MeasureOptions& options) {
    EXPECT_THROW(Measurement(fixture.graph, fixture.layers(), options, fixture.quantizer()),
                 ConfigError);
  };
  refuses(options_for(fixture, {}));
  refuses(options_for(fixture, {"no-such-metric"}));
  MeasureOptions options = options_for(fixture, {"output-mse"});
  options.widths.clear();
  refuses(options);
  options = options_for(fixture, {"output-mse"});
  options.widest_measured = BitWidth(1);
  refuses(options);
  options = options_for(fixture, {"hessian"});
  options.probes = 0;
  refuses(options);
}

TEST(Measurement, WantsSamplesWhereTheMetricDoes) {
  const Fixture fixture(testing::residual_network());
  for (const std::string& name : kAll) {
    const Measurement measurement(
        fixture.graph, fixture.layers(), options_for(fixture, {name}), fixture.quantizer());
    EXPECT_EQ(measurement.needs_samples(), needs_samples(metric(name))) << name;
    if (measurement.needs_samples()) {
      EXPECT_THROW((void)measurement.result(), DataError) << name;
    } else {
      EXPECT_EQ(measurement.result().size(), 1U) << name;
    }
  }
}

}  // namespace
}  // namespace ompq::sensitivity
