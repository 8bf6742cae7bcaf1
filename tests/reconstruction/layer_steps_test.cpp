#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/rounding/block_graph.h"
#include "reconstruction/block_cases.h"
#include "support/zoo.h"

// Steps that go through a whole network layer by layer: error-compensated rounding, and the
// restoring of what rounding did to each channel's mean and spread.

namespace ompq::reconstruction {
namespace {

using cases::test_network;
using cases::TestNetwork;

struct Step {
  std::string name;
  ReconstructionOptions options;
};

void PrintTo(const Step& step, std::ostream* out) { *out << step.name; }

std::vector<Step> steps() {
  ReconstructionOptions compensate;
  compensate.method = BlockMethod::Compensate;
  ReconstructionOptions means;
  means.method = BlockMethod::Restore;
  ReconstructionOptions spreads = means;
  spreads.restore_means = false;
  spreads.restore_spreads = true;
  std::vector<Step> all{{"compensate", compensate}, {"means", means}, {"spreads", spreads}};
  for (Step& step : all) step.options.training.threads = 1;
  return all;
}

class LayerStepsTest : public ::testing::TestWithParam<Step> {
 protected:
  Reconstruction run(const std::vector<BlockState>& finished = {}, const BlockHandler& keep = {}) {
    const std::vector<graph::Block> layers =
        rounding::layer_blocks(network_.graph, network_.parts.layers);
    ReconstructionRequest request = network_.request();
    return reconstruct(
        {request.graph, request.layers, layers, request.initial, request.dataset, request.indices},
        GetParam().options,
        finished,
        keep);
  }

  TestNetwork network_ =
      test_network(ompq::testing::zoo::deep_resnet(3, {.image_size = 12, .classes = 5}), 3, 8, 32);
};

void expect_same(const rounding::NetworkCodes& a, const rounding::NetworkCodes& b) {
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (const auto& [name, weight] : a.weights) {
    EXPECT_EQ(weight.codes, b.weights.at(name).codes) << name;
    EXPECT_EQ(weight.params.scale, b.weights.at(name).params.scale) << name;
    EXPECT_EQ(weight.params.zero_point, b.weights.at(name).params.zero_point) << name;
  }
  EXPECT_EQ(a.biases, b.biases);
}

TEST_P(LayerStepsTest, GoesOnBehindAnyLayerWithTheSameNumbers) {
  std::vector<BlockState> states;
  const Reconstruction whole = run(
      {}, [&](const BlockState& state) { states.push_back(block_state_from(to_bytes(state))); });
  ASSERT_EQ(states.size(), network_.parts.layers.size());
  for (std::size_t done = 0; done <= states.size(); done += 4) {
    const std::vector<BlockState> finished(states.begin(),
                                           states.begin() + static_cast<std::ptrdiff_t>(done));
    std::size_t fresh = 0;
    const Reconstruction rest = run(finished, [&](const BlockState&) { ++fresh; });
    EXPECT_EQ(fresh, states.size() - done);
    expect_same(whole.codes, rest.codes);
  }
}

TEST_P(LayerStepsTest, ChangesTheNetworkAndCompensationLowersTheError) {
  const Reconstruction made = run();
  const rounding::NetworkCodes& before = network_.initial;
  bool changed = made.codes.biases != before.biases;
  for (const auto& [name, weight] : before.weights) {
    const auto& now = made.codes.weights.at(name);
    changed = changed || weight.codes != now.codes || weight.params.scale != now.params.scale;
  }
  EXPECT_TRUE(changed);
  if (GetParam().options.method != BlockMethod::Compensate) return;  // others report no errors
  double error_before = 0.0;
  double error_after = 0.0;
  for (const BlockReport& report : made.reports) {
    error_before += report.loss_before;
    error_after += report.loss_after;
  }
  EXPECT_LT(error_after, error_before);
}

INSTANTIATE_TEST_SUITE_P(Steps,
                         LayerStepsTest,
                         ::testing::ValuesIn(steps()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace ompq::reconstruction
