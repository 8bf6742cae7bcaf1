#include "ompq/sensitivity/pairwise.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/sensitivity/measurement.h"
#include "sensitivity/fixture.h"

namespace ompq::sensitivity {
namespace {

using testing::Fixture;

LossTable losses_alone(const Fixture& fixture, const std::string& name) {
  Measurement measurement(fixture.graph,
                          fixture.layers(),
                          {.metrics = {name}, .widths = fixture.widths},
                          fixture.quantizer());
  runtime::Executor executor(fixture.graph);
  measurement.add_batch(executor, fixture.input);
  return measurement.result().at(name);
}

PairwiseTable measure_pairs(const Fixture& fixture, PairwiseOptions options) {
  options.widths = fixture.widths;
  PairwiseEffect effect(fixture.graph, fixture.discovery, options, fixture.quantizer());
  runtime::Executor executor(fixture.graph);
  effect.add_batch(executor, fixture.slice(0, 4));
  effect.add_batch(executor, fixture.slice(4, 6));
  return effect.result(losses_alone(fixture, options.metric));
}

double loss_of(const Fixture& fixture,
               const std::string& metric,
               const std::vector<Fixture::Change>& changes) {
  const auto real = testing::run(fixture.graph, fixture.input);
  const auto quantized = testing::run(fixture.changed(changes), fixture.input);
  return metric == "output-kl" ? testing::mean_divergence(real[0], quantized[0])
                               : testing::relative_error(quantized, real);
}

double interaction(const Fixture& fixture,
                   const std::string& metric,
                   Fixture::Change first,
                   Fixture::Change second) {
  return loss_of(fixture, metric, {first, second}) - loss_of(fixture, metric, {first}) -
         loss_of(fixture, metric, {second});
}

class PairwiseMetric : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Metrics,
                         PairwiseMetric,
                         ::testing::Values("output-mse", "output-kl"),
                         [](const auto& instance) {
                           return std::string(instance.param).substr(7);
                         });

TEST_P(PairwiseMetric, EqualsItsDefinitionWhereAllWidthsRun) {
  const Fixture fixture(testing::residual_network());
  const auto table = measure_pairs(fixture, {.metric = GetParam(), .measured = fixture.widths});
  ASSERT_EQ(table.pairs.size(), 1U);  // inner and outer: the only block of two layers
  const PairLoss& pair = table.pairs[0];
  EXPECT_EQ(fixture.layers()[pair.first].name, "inner");
  EXPECT_EQ(fixture.layers()[pair.second].name, "outer");
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) {
      const Fixture::Change first{pair.first, fixture.widths[a]};
      const Fixture::Change second{pair.second, fixture.widths[b]};
      const double expected = interaction(fixture, GetParam(), first, second);
      // Each of the three losses is exact to 1e-3 of itself or less.
      const double scale = loss_of(fixture, GetParam(), {first, second});
      EXPECT_NEAR(pair.values[a * 3 + b], expected, 2e-3 * scale + 1e-9) << a << " " << b;
    }
  }
}

TEST(Pairwise, FillsOtherWidthsByASeparableFit) {
  const Fixture fixture(testing::residual_network());
  const auto table = measure_pairs(fixture, {.measured = {BitWidth(2)}});
  const auto whole = measure_pairs(fixture, {.measured = fixture.widths});
  const LossTable alone = losses_alone(fixture, "output-mse");
  const PairLoss& pair = table.pairs[0];
  EXPECT_EQ(pair.values[0], whole.pairs[0].values[0]);
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) {
      // One width pair ran: the fit goes through it.
      const double share = alone.at(pair.first, a) * alone.at(pair.second, b) /
                           (alone.at(pair.first, 0) * alone.at(pair.second, 0));
      const double expected = pair.values[0] * std::sqrt(share);
      EXPECT_NEAR(pair.values[a * 3 + b], expected, 1e-9 * std::abs(expected)) << a << " " << b;
    }
  }
}

TEST(Pairwise, StaysInsideOfBlocksAndRunsWhatItMust) {
  const Fixture fixture(testing::residual_network());
  PairwiseEffect effect(fixture.graph,
                        fixture.discovery,
                        {.widths = fixture.widths, .measured = {BitWidth(2), BitWidth(4)}},
                        fixture.quantizer());
  runtime::Executor executor(fixture.graph, {.profile = true});
  effect.add_batch(executor, fixture.input);
  std::map<std::string, std::int64_t> counted;
  for (const auto& row : executor.profile()) counted[row.name] = row.calls;
  EXPECT_EQ(counted.at("stem"), 1 + 1);
  // Float once whole and once on the walk; at each of two widths once on the way to a finish and
  // once on the way to the partner.
  EXPECT_EQ(counted.at("inner"), 1 + 1 + 2 * 2);
  // Behind inner alone twice, four width pairs, outer alone twice.
  EXPECT_EQ(counted.at("outer"), 1 + 2 + 4 + 2);
}

TEST(Pairwise, LeavesOutWhatItHasNoRoomFor) {
  const Fixture fixture(testing::residual_network());
  const auto table = measure_pairs(fixture, {.max_pairs = 0});
  EXPECT_TRUE(table.pairs.empty());
  EXPECT_EQ(table.left_out, 1);
}

TEST(Pairwise, LeavesTheExecutorAsItWas) {
  const Fixture fixture(testing::residual_network());
  PairwiseEffect effect(
      fixture.graph, fixture.discovery, {.widths = fixture.widths}, fixture.quantizer());
  runtime::Executor executor(fixture.graph);
  const auto before = executor.run(fixture.input);
  effect.add_batch(executor, fixture.input);
  EXPECT_TRUE(executor.run(fixture.input)[0].equals(before[0]));
}

TEST(Pairwise, RefusesWhatItCannotMeasure) {
  const Fixture fixture(testing::residual_network());
  const auto made = [&](const PairwiseOptions& options) {
    return PairwiseEffect(fixture.graph, fixture.discovery, options, fixture.quantizer());
  };
  EXPECT_THROW(made({.metric = "fisher", .widths = fixture.widths}), ConfigError);
  EXPECT_THROW(made({.widths = {}}), ConfigError);
  EXPECT_THROW(made({.widths = fixture.widths, .measured = {BitWidth(3)}}), ConfigError);
  EXPECT_THROW(made({.widths = fixture.widths, .max_pairs = -1}), ConfigError);
  const Fixture image(testing::image_network());
  EXPECT_THROW(PairwiseEffect(image.graph,
                              image.discovery,
                              {.metric = "output-kl", .widths = image.widths},
                              image.quantizer()),
               DataError);
  const PairwiseEffect effect = made({.widths = fixture.widths});
  EXPECT_THROW((void)effect.result(LossTable{{BitWidth(2)}, {1, 1, 1, 1}}), ShapeError);
  EXPECT_THROW((void)effect.result(losses_alone(fixture, "output-mse")), DataError);
}

}  // namespace
}  // namespace ompq::sensitivity
