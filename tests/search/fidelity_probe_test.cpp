#include "ompq/search/fidelity_probe.h"

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/network.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using allocation::kFloatBits;

/// A probe over a small network; two batches, the second a short one.
struct Fixture {
  pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(12);
  RoundedWeights weights{model, {}};
  FidelityProbe probe{model, weights, *samples.dataset, samples.indices, 8, {}};
};

TEST(FidelityProbe, TheFloatNetworkDoesNotStrayFromItself) {
  Fixture f;
  EXPECT_EQ(f.probe.divergence({kFloatBits, kFloatBits, kFloatBits, kFloatBits, kFloatBits}), 0.0);
}

TEST(FidelityProbe, SaysWhatEvaluationSaysOfTheQuantizedNetwork) {
  Fixture f;
  const std::vector<int> widths{3, 2, 4, 8, kFloatBits};
  const pipeline::QuantizedNetwork network = pipeline::quantize_network(f.model, widths, {}, {});
  const auto evaluation =
      pipeline::evaluate(network.graph, *f.samples.dataset, f.samples.indices, {}, &f.model.graph)
          .evaluation;
  EXPECT_GT(f.probe.divergence(widths), 0.0);
  EXPECT_NEAR(f.probe.divergence(widths), *evaluation.divergence, 1e-6 * *evaluation.divergence);
}

TEST(FidelityProbe, AlternativesAreTheWholeNetworksWithOneDecisionChanged) {
  Fixture f;
  const std::vector<int> widths{4, 3, 4, 5, 8};
  // A tie whose follower comes before its leader, listed after a later layer.
  const std::vector<allocation::DecisionItem> decisions{
      {.leader = 4, .layers = {4}}, {.leader = 2, .layers = {0, 2}}, {.leader = 3, .layers = {3}}};
  const std::vector<std::vector<int>> tried{{2, kFloatBits}, {3}, {2, 8}};
  const auto measured = f.probe.alternatives(widths, decisions, tried);
  ASSERT_EQ(measured.size(), 3U);
  for (std::size_t d = 0; d < decisions.size(); ++d) {
    ASSERT_EQ(measured[d].size(), tried[d].size());
    for (std::size_t a = 0; a < tried[d].size(); ++a) {
      std::vector<int> changed = widths;
      for (const std::size_t l : decisions[d].layers) changed[l] = tried[d][a];
      EXPECT_DOUBLE_EQ(measured[d][a], f.probe.divergence(changed)) << d << ", " << a;
    }
  }
}

TEST(FidelityProbe, RunsANetworkOnce) {
  Fixture f;
  const std::vector<int> widths{2, 2, 2, 2, 2};
  const double first = f.probe.divergence(widths);
  const auto runs = f.probe.evaluations();
  EXPECT_EQ(f.probe.divergence(widths), first);
  EXPECT_EQ(f.probe.evaluations(), runs);
}

TEST(FidelityProbe, NeedsASample) {
  Fixture f;
  EXPECT_THROW(FidelityProbe(f.model, f.weights, *f.samples.dataset, {}, 8, {}), DataError);
}

}  // namespace
}  // namespace ompq::search
