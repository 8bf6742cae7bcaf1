#include "ompq/search/fidelity_probe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/network.h"
#include "ompq/scores/class_scores.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using allocation::kFloatBits;

/// A probe over a small network; two batches, the second a short one.
struct Fixture {
  pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(12);
  RoundedWeights weights{model, {}};
  ActivationRanges ranges{model, *samples.dataset, samples.indices, {}};
  FidelityProbe probe{model, weights, ranges, *samples.dataset, samples.indices, 8, {}};
};

constexpr std::size_t kLayers = 5;

/// Weights at `bits`, float activations.
NetworkWidths weights_at(std::vector<int> bits) {
  return {.weights = std::move(bits), .activations = std::vector<int>(kLayers, kFloatBits)};
}

TEST(FidelityProbe, TheFloatNetworkDoesNotStrayFromItself) {
  Fixture f;
  EXPECT_EQ(f.probe.divergence(weights_at(std::vector<int>(kLayers, kFloatBits))), 0.0);
}

/// The divergence of a network's classes at temperature 4, with the scores multiplied by the best
/// factor.
double least_divergence(Fixture& f, const graph::Graph& network) {
  runtime::Executor quantized(network, {.integer_kernels = true});
  runtime::Executor plain(f.model.graph);
  const auto inputs = f.samples.dataset->load(f.samples.indices).inputs;
  const Tensor made = quantized.run(inputs).front();
  Tensor wanted = plain.run(inputs).front();
  constexpr float kTemperature = 4;
  for (float& score : wanted.mutable_data<float>()) score /= kTemperature;
  double least = std::numeric_limits<double>::infinity();
  for (double factor = 0.4; factor < 10; factor *= 1.001) {
    Tensor scaled = made;
    for (float& score : scaled.mutable_data<float>()) {
      score *= static_cast<float>(factor) / kTemperature;
    }
    const auto expected = scores::as_scores(wanted, scores::Kind::Logits).value();
    const auto seen = scores::as_scores(scaled, scores::Kind::Logits).value();
    double sum = 0;
    for (std::int64_t row = 0; row < seen.rows; ++row) {
      sum += kTemperature * kTemperature * scores::divergence_of_rows(expected, seen, row);
    }
    least = std::min(least, sum / static_cast<double>(seen.rows));
  }
  return least;
}

TEST(FidelityProbe, SaysWhatEvaluationSaysOfTheQuantizedNetwork) {
  Fixture f;
  const std::vector<int> widths{3, 2, 4, 8, kFloatBits};
  const pipeline::QuantizedNetwork network = pipeline::quantize_network(f.model, widths, {}, {});
  const double expected = least_divergence(f, network.graph);
  EXPECT_GT(f.probe.divergence(weights_at(widths)), 0.0);
  EXPECT_NEAR(f.probe.divergence(weights_at(widths)), expected, 0.01 * expected);
}

/// The divergence of the quantized network on the integer kernels of `target`.
double evaluated(Fixture& f, const NetworkWidths& widths, const std::string& target) {
  std::vector<std::optional<int>> activations;
  for (const int bits : widths.activations) {
    activations.push_back(bits == kFloatBits ? std::nullopt : std::optional(bits));
  }
  const auto quantizers =
      pipeline::calibrate(f.model, activations, f.samples, {.target = target}, {});
  const pipeline::QuantizedNetwork network =
      pipeline::quantize_network(f.model, widths.weights, quantizers, {.target = target});
  return least_divergence(f, network.graph);
}

TEST(FidelityProbe, SeesTheQuantizersOfTheTarget) {
  for (const std::string target : {"onnxruntime", "exact", "tensorrt"}) {
    for (const int bits : {4, 3}) {
      Fixture f;
      ActivationRanges ranges(f.model, *f.samples.dataset, f.samples.indices, {.target = target});
      RoundedWeights weights(f.model, {.target = target});
      FidelityProbe probe(f.model, weights, ranges, *f.samples.dataset, f.samples.indices, 8, {});
      const NetworkWidths widths{.weights = {8, 6, 8, 8, 8},
                                 .activations = std::vector<int>(kLayers, bits)};
      const double seen = probe.divergence(widths);
      // Single codes differ, since float sums are rounded to codes and the bias is float here.
      const double expected = evaluated(f, widths, target);
      EXPECT_NEAR(seen, expected, 0.06 * expected) << target << ", " << bits << " bits";
      const double float_activations = probe.divergence(weights_at(widths.weights));
      EXPECT_GT(std::abs(seen - float_activations), 0.05 * float_activations)
          << target << ", " << bits << " bits";
    }
  }
}

TEST(FidelityProbe, SeesActivationsOfDifferentWidths) {
  Fixture f;
  const NetworkWidths mixed{.weights = {8, 8, 8, 8, 8}, .activations = {8, 3, 8, 4, kFloatBits}};
  const double expected = evaluated(f, mixed, "onnxruntime");
  EXPECT_NEAR(f.probe.divergence(mixed), expected, 0.06 * expected);
  // And back: a network that was judged before has the same result.
  const NetworkWidths wide{.weights = mixed.weights, .activations = {8, 8, 8, 8, kFloatBits}};
  const double before = f.probe.divergence(wide);
  EXPECT_LT(before, f.probe.divergence(mixed));
  EXPECT_EQ(Fixture().probe.divergence(wide), before);
}

TEST(FidelityProbe, AlternativesAreTheWholeNetworksWithOneDecisionChanged) {
  Fixture f;
  const NetworkWidths widths{.weights = {4, 3, 4, 5, 8}, .activations = {8, 8, 4, 8, 8}};
  // A tie whose follower comes before its leader, listed after a later layer.
  const std::vector<allocation::DecisionItem> decisions{
      {.leader = 4, .layers = {4}}, {.leader = 2, .layers = {0, 2}}, {.leader = 3, .layers = {3}}};
  const std::vector<std::vector<int>> tried{{2, kFloatBits}, {3}, {2, 8}};
  const auto measured = f.probe.alternatives(widths, decisions, tried);
  ASSERT_EQ(measured.size(), 3U);
  for (std::size_t d = 0; d < decisions.size(); ++d) {
    ASSERT_EQ(measured[d].size(), tried[d].size());
    for (std::size_t a = 0; a < tried[d].size(); ++a) {
      NetworkWidths changed = widths;
      for (const std::size_t l : decisions[d].layers) changed.weights[l] = tried[d][a];
      EXPECT_DOUBLE_EQ(measured[d][a], f.probe.divergence(changed)) << d << ", " << a;
    }
  }
}

TEST(FidelityProbe, DoesNotCountTheSizeOfTheScores) {
  Fixture f;
  pipeline::Model halved = pipeline::small_model();
  for (const graph::ValueId id :
       {halved.discovery.layers[4].weight, halved.discovery.layers[4].bias}) {
    if (id == graph::kNoValue) continue;
    Tensor values = *halved.graph.value(id).constant;
    for (float& value : values.mutable_data<float>()) value /= 2;
    halved.graph.mutable_value(id).constant = std::move(values);
  }
  for (const double distance : f.probe.by_sample(halved.graph)) EXPECT_NEAR(distance, 0.0, 1e-5);
}

TEST(FidelityProbe, RunsANetworkOnce) {
  Fixture f;
  const NetworkWidths widths = weights_at({2, 2, 2, 2, 2});
  const double first = f.probe.divergence(widths);
  const auto runs = f.probe.evaluations();
  EXPECT_EQ(f.probe.divergence(widths), first);
  EXPECT_EQ(f.probe.evaluations(), runs);
}

TEST(FidelityProbe, NeedsASample) {
  Fixture f;
  EXPECT_THROW(FidelityProbe(f.model, f.weights, f.ranges, *f.samples.dataset, {}, 8, {}),
               DataError);
}

}  // namespace
}  // namespace ompq::search
