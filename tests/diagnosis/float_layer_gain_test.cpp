#include "ompq/diagnosis/float_layer_gain.h"

#include <cmath>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/network.h"
#include "pipeline/small_model.h"

namespace ompq::diagnosis {
namespace {

using allocation::kFloatBits;

class FloatLayerGainTest : public ::testing::Test {
 protected:
  [[nodiscard]] graph::Graph at_bits(const std::vector<int>& bits) const {
    return pipeline::quantize_network(model_, bits, {}, {}).graph;
  }
  [[nodiscard]] std::vector<std::optional<double>> gains(const graph::Graph& quantized,
                                                         std::int64_t batch = 24) {
    FloatLayerGain gain(model_.graph, model_.discovery.layers, quantized, {.threads = 1});
    runtime::Executor executor(model_.graph, {.threads = 1});
    for (std::int64_t first = 0; first < 24; first += batch) {
      const std::vector<std::int64_t> indices(samples_.indices.begin() + first,
                                              samples_.indices.begin() + first + batch);
      const data::Batch loaded = samples_.dataset->load(indices);
      gain.add_batch(loaded.inputs, executor.run(loaded.inputs).front());
    }
    return gain.result();
  }
  [[nodiscard]] double snr(const graph::Graph& quantized) {
    return *pipeline::evaluate(quantized, *samples_.dataset, samples_.indices, {}, &model_.graph)
                .evaluation.snr_db;
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(24);
};

TEST_F(FloatLayerGainTest, IsWhatTheOutputGainsWithTheLayerInFloat) {
  const std::vector<int> bits{3, 2, 4, 3, 5};
  const double before = snr(at_bits(bits));
  const auto measured = gains(at_bits(bits));
  for (std::size_t l = 0; l < 5; ++l) {
    std::vector<int> freed = bits;
    freed[l] = kFloatBits;
    ASSERT_TRUE(measured[l]) << l;
    EXPECT_NEAR(*measured[l], snr(at_bits(freed)) - before, 1e-2) << l;
  }
}

TEST_F(FloatLayerGainTest, DoesNotDependOnBatches) {
  const graph::Graph quantized = at_bits({3, 3, 3, 3, 3});
  const auto whole = gains(quantized);
  const auto parts = gains(quantized, 8);
  for (std::size_t l = 0; l < 5; ++l) EXPECT_NEAR(*parts[l], *whole[l], 1e-3) << l;
}

TEST_F(FloatLayerGainTest, HasNothingToSayWithoutNoise) {
  for (const auto& gain : gains(model_.graph)) EXPECT_FALSE(gain);
}

TEST_F(FloatLayerGainTest, RefusesAStrangeNetwork) {
  const pipeline::Model other = pipeline::small_model(4);
  graph::Graph strange = other.graph;
  strange.mutable_node(0).name = "renamed";
  EXPECT_THROW(FloatLayerGain(model_.graph, model_.discovery.layers, strange, {}), ConfigError);
}

}  // namespace
}  // namespace ompq::diagnosis
