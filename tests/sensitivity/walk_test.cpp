#include "ompq/sensitivity/walk.h"

#include <cstddef>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/sensitivity/measurement.h"
#include "ompq/sensitivity/pairwise.h"
#include "sensitivity/fixture.h"
#include "support/graph_builder.h"

namespace ompq::sensitivity {
namespace {

using graph::Dim;
using testing::Fixture;

/// Two convolutions of one value, both listed before their activations, the second one's activation
/// first: a fused convolution runs where its activation stands.
graph::Graph side_by_side() {
  testing::GraphBuilder builder("side_by_side");
  const auto x =
      builder.input("input", {Dim::batch(), Dim::fixed(3), Dim::fixed(6), Dim::fixed(6)});
  const auto left = builder.conv("left", x, {.out = 4, .kernel = 3, .bias = true});
  const auto right = builder.conv("right", x, {.out = 4, .kernel = 3, .bias = true});
  const auto second = builder.relu("right.relu", right);
  const auto first = builder.relu("left.relu", left);
  const auto sum = builder.relu("relu", builder.add("sum", first, second));
  return builder.finish(
      {builder.gemm("fc", builder.flatten("flat", builder.global_average_pool("pool", sum)), 4)});
}

TEST(ReadingOrder, IsThatOfTheProgramAndNotOfTheLayers) {
  const Fixture fixture(side_by_side());
  ASSERT_EQ(fixture.layers()[0].name, "left");
  const runtime::Executor executor(fixture.graph);
  EXPECT_EQ(reading_order(executor, fixture.layers()), (std::vector<std::size_t>{1, 0, 2}));
}

TEST(ReadingOrder, DoesNotChangeWhatIsMeasured) {
  const Fixture fixture(side_by_side());
  Measurement measurement(fixture.graph,
                          fixture.layers(),
                          {.metrics = {"output-mse", "local-error"}, .widths = fixture.widths},
                          fixture.quantizer());
  runtime::Executor executor(fixture.graph);
  measurement.add_batch(executor, fixture.input);
  const LossTable table = measurement.result().at("output-mse");
  const auto real = testing::run(fixture.graph, fixture.input);
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    const auto changed = testing::run(fixture.changed({{l, fixture.widths[0]}}), fixture.input);
    const double expected = testing::relative_error(changed, real);
    EXPECT_NEAR(table.at(l, 0), expected, 1e-5 * expected) << fixture.layers()[l].name;
  }
}

TEST(ReadingOrder, PairsAreMeasuredInEitherOrder) {
  const Fixture fixture(side_by_side());
  graph::Discovery discovery = fixture.discovery;
  discovery.blocks = {{.name = "all", .layers = {0, 1, 2}}};
  PairwiseEffect effect(fixture.graph,
                        discovery,
                        {.widths = fixture.widths, .measured = fixture.widths},
                        fixture.quantizer());
  runtime::Executor executor(fixture.graph);
  effect.add_batch(executor, fixture.input);
  Measurement measurement(fixture.graph,
                          fixture.layers(),
                          {.metrics = {"output-mse"}, .widths = fixture.widths},
                          fixture.quantizer());
  measurement.add_batch(executor, fixture.input);
  const PairwiseTable table = effect.result(measurement.result().at("output-mse"));
  ASSERT_EQ(table.pairs.size(), 3U);
  const auto real = testing::run(fixture.graph, fixture.input);
  const auto loss = [&](const std::vector<Fixture::Change>& changes) {
    return testing::relative_error(testing::run(fixture.changed(changes), fixture.input), real);
  };
  for (const PairLoss& pair : table.pairs) {
    const BitWidth a = fixture.widths[0];
    const BitWidth b = fixture.widths[1];
    const double both = loss({{pair.first, a}, {pair.second, b}});
    const double expected = both - loss({{pair.first, a}}) - loss({{pair.second, b}});
    EXPECT_NEAR(pair.values[1], expected, 1e-5 * both) << pair.first << ", " << pair.second;
  }
}

TEST(WeightScope, ChangesOneWeightUntilItsEnd) {
  const Fixture fixture(testing::residual_network());
  runtime::Executor executor(fixture.graph);
  const auto before = executor.run(fixture.input);
  {
    WeightScope scope(executor, fixture.graph, fixture.layers()[1].weight);
    EXPECT_TRUE(executor.run(fixture.input)[0].equals(before[0])) << "nothing was set";
    scope.set(fixture.quantized(1, BitWidth(2)));
    const auto changed = testing::run(fixture.changed({{1, BitWidth(2)}}), fixture.input);
    EXPECT_TRUE(executor.run(fixture.input)[0].equals(changed[0]));
    EXPECT_FALSE(changed[0].equals(before[0]));
  }
  EXPECT_TRUE(executor.run(fixture.input)[0].equals(before[0]));
}

TEST(WeightScope, RestoresTheWeightAfterAnException) {
  const Fixture fixture(testing::residual_network());
  runtime::Executor executor(fixture.graph);
  const auto before = executor.run(fixture.input);
  try {
    WeightScope scope(executor, fixture.graph, fixture.layers()[0].weight);
    scope.set(fixture.quantized(0, BitWidth(2)));
    throw std::runtime_error("interrupted");
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(executor.run(fixture.input)[0].equals(before[0]));
}

TEST(OwnsWeight, IsTrueForTheFirstReaderOfEachWeight) {
  const Fixture shared(testing::shared_weight_network());
  EXPECT_EQ(owns_weight(shared.layers()), (std::vector<bool>{true, false, true}));
  const Fixture separate(testing::residual_network());
  EXPECT_EQ(owns_weight(separate.layers()), std::vector<bool>(4, true));
}

TEST(ReadingOrder, LeavesOutLayersThatShareAWeight) {
  const Fixture fixture(testing::shared_weight_network());
  const runtime::Executor executor(fixture.graph);
  EXPECT_EQ(reading_order(executor, fixture.layers()), (std::vector<std::size_t>{0, 2}));
}

TEST(SortedWidths, AreAscendingDistinctAndAtLeastOne) {
  EXPECT_EQ(sorted_widths({BitWidth(8), BitWidth(2), BitWidth(8), BitWidth(4)}),
            (std::vector<BitWidth>{BitWidth(2), BitWidth(4), BitWidth(8)}));
  EXPECT_THROW((void)sorted_widths({}), ConfigError);
}

}  // namespace
}  // namespace ompq::sensitivity
