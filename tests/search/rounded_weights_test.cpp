#include "ompq/search/rounded_weights.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

double squared_distance(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.data<float>().size(); ++i) {
    const double difference = static_cast<double>(a.data<float>()[i]) - b.data<float>()[i];
    sum += difference * difference;
  }
  return sum;
}

TEST(RoundedWeights, AreThoseOfRoundingToNearest) {
  const pipeline::Model model = pipeline::small_model();
  RoundedWeights weights(model, {});
  for (std::size_t l = 0; l < model.discovery.layers.size(); ++l) {
    const graph::Layer& layer = model.discovery.layers[l];
    for (const int bits : {1, 3, 8}) {
      const Tensor expected =
          quant::dequantize(rounding::quantize_weight(model.graph, layer, BitWidth(bits)));
      EXPECT_TRUE(weights.get(l, BitWidth(bits)).equals(expected)) << layer.name << " " << bits;
      EXPECT_TRUE(weights.get(l, bits).equals(expected)) << "a second time";
    }
  }
}

TEST(RoundedWeights, AreTheSameWhetherPreparedTogetherOrAskedOneByOne) {
  const pipeline::Model model = pipeline::small_model();
  for (const int threads : {1, 3}) {
    RoundedWeights prepared(model, {});
    RoundedWeights asked(model, {});
    prepared.prepare({2, 4, allocation::kFloatBits}, threads);
    for (std::size_t l = 0; l < 5; ++l) {
      EXPECT_TRUE(prepared.get(l, 2).equals(asked.get(l, 2))) << l;
      EXPECT_TRUE(prepared.get(l, 4).equals(asked.get(l, 4))) << l;
    }
  }
}

TEST(RoundedWeights, OfFloatLayersAreTheWeightsThemselves) {
  const pipeline::Model model = pipeline::small_model();
  RoundedWeights weights(model, {});
  for (std::size_t l = 0; l < 5; ++l) {
    EXPECT_TRUE(weights.get(l, allocation::kFloatBits)
                    .equals(*model.graph.value(model.discovery.layers[l].weight).constant));
  }
}

TEST(RoundedWeights, LieFartherFromTheWeightButComputeCloserWhereErrorsAreCompensated) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(64);
  RoundedWeights nearest(model, {});
  RoundedWeights compensated(model, {});
  compensated.prepare_compensated({3}, *samples.dataset, samples.indices, 1, 1, {});
  // Rounding to nearest is the closest codes that its scales have; inputs of conv2 are correlated,
  // so that compensation must leave them.
  const Tensor& weight = *model.graph.value(model.discovery.layers[1].weight).constant;
  EXPECT_GT(squared_distance(compensated.get(1, 3), weight),
            squared_distance(nearest.get(1, 3), weight));
}

TEST(RoundedWeights, AreAllRoundedToNearestIfTheTimeIsUpWhileErrorsAreCompensated) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(64);
  RoundedWeights nearest(model, {});
  RoundedWeights stopped(model, {});
  // The time is up before the last of the layers.
  int blocks = 0;
  const auto progress = [&](const ProgressEvent& event) {
    if (event.done + 1 == event.total) throw TimeIsUp();
    ++blocks;
  };
  EXPECT_THROW(stopped.prepare_compensated({3}, *samples.dataset, samples.indices, 1, 1, progress),
               TimeIsUp);
  EXPECT_GT(blocks, 0);
  for (std::size_t l = 0; l < 5; ++l) EXPECT_TRUE(stopped.get(l, 3).equals(nearest.get(l, 3))) << l;

  RoundedWeights late(model, {});
  EXPECT_THROW(
      late.prepare_compensated({3}, *samples.dataset, samples.indices, 1, 1, {}, {}, Deadline(0)),
      TimeIsUp);
}

TEST(TrialWork, GrowsWithSamplesWidthsAndCare) {
  const pipeline::Model model = pipeline::small_model();
  const double work = trial_work(model, 64, 5, {});
  EXPECT_LT(trial_work(model, 32, 5, {}), work);
  EXPECT_LT(trial_work(model, 64, 3, {}), work);
  EXPECT_LT(trial_work(model, 64, 5, {.tried_ranges = 1}), work);
  EXPECT_LT(trial_work(model, 64, 5, {.sweeps = 0}), work);
}

}  // namespace
}  // namespace ompq::search
