#include "ompq/reconstruction/layer_methods.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/reconstruction/block_forward.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/rounding/block_graph.h"
#include "ompq/rounding/output_statistics.h"
#include "ompq/rounding/quantize_weights.h"
#include "reconstruction/block_cases.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"
#include "support/zoo.h"

// Methods for one layer, and as steps through a whole network: error-compensated rounding, and
// restoring each channel's mean and spread.

namespace ompq::reconstruction {
namespace {

using cases::test_network;
using cases::TestNetwork;

using graph::Dim;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

/// A fully connected layer at 2 bits with cached inputs.
class LayerMethodTest : public ::testing::Test {
 protected:
  LayerMethodTest() {
    ompq::testing::GraphBuilder builder("one");
    const auto x = builder.input("x", {Dim::batch(), Dim::fixed(16)});
    graph_ = builder.finish({builder.gemm("fc", x, 6)});
    layer_ = graph::discover(graph_).layers.front();
    codes_ = rounding::quantize_weight(graph_, layer_, BitWidth(2));
    cache_ = std::make_unique<rounding::SampleCache>(kRows, 16, memory_);
    Tensor samples = ompq::testing::normal_samples({kRows, 16}, 6);
    // With a mean, rounding shifts the outputs.
    for (float& value : samples.mutable_data<float>()) value += 1.0F;
    cache_samples(samples, 0, kRows, *cache_);
  }
  [[nodiscard]] rounding::LayerInputs inputs() const {
    return {.exact = cache_.get(), .quantized = cache_.get()};
  }
  [[nodiscard]] LayerCodes given() const { return {graph_, layer_, codes_, inputs()}; }
  [[nodiscard]] rounding::OutputStatistics exact() const {
    return rounding::float_statistics(graph_, layer_, inputs(), {});
  }
  [[nodiscard]] rounding::OutputStatistics quantized(const quant::QuantizedTensor& codes) const {
    return rounding::quantized_statistics(graph_, layer_, codes, inputs(), {});
  }

  static constexpr std::int64_t kRows = 200;
  graph::Graph graph_;
  graph::Layer layer_;
  quant::QuantizedTensor codes_;
  rounding::CacheMemory memory_{1 << 20};
  std::unique_ptr<rounding::SampleCache> cache_;
  BlockState state_;
};

TEST_F(LayerMethodTest, CompensationSetsCodesBiasAndLosses) {
  compensate_layer(given(), {}, state_);
  EXPECT_THAT(state_.codes, UnorderedElementsAre(Key("fc.weight")));
  EXPECT_THAT(state_.biases, UnorderedElementsAre(Key("fc.bias")));
  EXPECT_LT(state_.report.loss_after, state_.report.loss_before);
  // Losses are shares of the signal: their logarithms are the SNRs.
  EXPECT_NEAR(state_.report.snr_before_db, -10 * std::log10(state_.report.loss_before), 1e-9);
  EXPECT_NEAR(state_.report.snr_after_db, -10 * std::log10(state_.report.loss_after), 1e-9);
}

TEST_F(LayerMethodTest, CompensationCanKeepTheBias) {
  compensate_layer(given(), {.correct_bias = false}, state_);
  EXPECT_THAT(state_.biases, IsEmpty());
}

TEST_F(LayerMethodTest, RestoringMeansChangesTheBiasAlone) {
  restore_layer(given(), {}, state_);
  EXPECT_THAT(state_.codes, IsEmpty());
  ASSERT_THAT(state_.biases, UnorderedElementsAre(Key("fc.bias")));
  const std::vector<float> before = graph_.value(layer_.bias).constant->to_floats();
  for (std::size_t c = 0; c < before.size(); ++c) {
    const double shift = state_.biases.at("fc.bias")[c] - before[c];
    EXPECT_NEAR(quantized(codes_).mean[c] + shift, exact().mean[c], 1e-4) << c;
  }
}

TEST_F(LayerMethodTest, RestoringSpreadsBringsVariancesCloser) {
  restore_layer(given(), {.means = false, .spreads = true}, state_);
  EXPECT_THAT(state_.biases, IsEmpty());
  ASSERT_THAT(state_.codes, UnorderedElementsAre(Key("fc.weight")));
  const quant::QuantizedTensor& made = state_.codes.at("fc.weight");
  EXPECT_EQ(made.codes, codes_.codes) << "only scales change";
  const auto distance = [&](const quant::QuantizedTensor& codes) {
    double sum = 0.0;
    for (std::size_t c = 0; c < 6; ++c) {
      sum += std::abs(std::log(quantized(codes).variance[c] / exact().variance[c]));
    }
    return sum;
  };
  EXPECT_LT(distance(made), 0.5 * distance(codes_));
}

TEST_F(LayerMethodTest, RestoringDoesNothingIfNothingIsAskedFor) {
  restore_layer(given(), {.means = false, .spreads = false}, state_);
  EXPECT_THAT(state_.biases, IsEmpty());
  EXPECT_THAT(state_.codes, IsEmpty());
}

// --- steps through a network --------------------------------------------------------------------

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

TEST_P(LayerStepsTest, ResumesAfterAnyLayerWithTheSameNumbers) {
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
