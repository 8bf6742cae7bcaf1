#include "ompq/diagnosis/diagnosis.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/error.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/report/json.h"
#include "ompq/report/results.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::diagnosis {
namespace {

constexpr std::int64_t kSamples = 24;

rounding::ActivationQuantizers activations(const pipeline::Model& model,
                                           pipeline::Samples& samples,
                                           int bits) {
  const auto& layers = model.discovery.layers;
  return rounding::calibrate_activations(model.graph,
                                         layers,
                                         std::vector<BitWidth>(layers.size(), BitWidth(bits)),
                                         *samples.dataset,
                                         samples.indices,
                                         {});
}

graph::Graph quantized(const pipeline::Model& model,
                       const std::vector<int>& weight_bits,
                       const rounding::ActivationQuantizers& quantizers = {}) {
  return pipeline::quantize_network(model, weight_bits, quantizers, {}).graph;
}

std::vector<int> widths(const pipeline::Model& model, int bits) {
  return std::vector<int>(model.discovery.layers.size(), bits);
}

report::Diagnosis diagnosed(const pipeline::Model& model,
                            const graph::Graph& before,
                            const graph::Graph& after,
                            DiagnosisOptions options = {}) {
  pipeline::Samples samples = pipeline::small_samples(kSamples);
  options.executor.threads = 1;
  return diagnose(model, {before}, {after}, *samples.dataset, samples.indices, options);
}

TEST(Diagnose, FindsNoNoiseInTheFloatNetworkItself) {
  const pipeline::Model model = pipeline::small_model();
  const auto result = diagnosed(model, model.graph, model.graph);
  EXPECT_EQ(result.samples, kSamples);
  ASSERT_EQ(result.layers.size(), model.discovery.layers.size());
  ASSERT_EQ(result.blocks.size(), model.discovery.blocks.size());
  EXPECT_FALSE(result.output_snr_after_db);
  for (const auto& layer : result.layers) {
    EXPECT_FALSE(layer.snr_before_db) << layer.name;
    EXPECT_FALSE(layer.snr_after_db) << layer.name;
    EXPECT_FALSE(layer.weight_snr_db) << layer.name;
    EXPECT_FALSE(layer.input_snr_db) << layer.name;
    EXPECT_FALSE(layer.gain_db) << layer.name;
  }
  EXPECT_TRUE(result.advice.empty());
}

TEST(Diagnose, BlamesTheOneLayerThatIsQuantized) {
  const pipeline::Model model = pipeline::small_model();
  auto bits = widths(model, allocation::kFloatBits);
  bits[1] = 2;
  const auto after = quantized(model, bits);
  const auto result = diagnosed(model, after, after, {.weight_bits = bits});
  for (std::size_t l = 0; l < result.layers.size(); ++l) {
    const auto& layer = result.layers[l];
    EXPECT_EQ(layer.weight_snr_db.has_value(), l == 1) << layer.name;
    EXPECT_FALSE(layer.input_snr_db) << layer.name;
    // The noise runs through everything after the layer, and nothing before it.
    EXPECT_EQ(layer.snr_after_db.has_value(), l >= 1) << layer.name;
    EXPECT_EQ(layer.weight_bits.has_value(), l == 1) << layer.name;
  }
  // Without the layer no noise is left but that of the arithmetic; without another one, all of it.
  EXPECT_GT(*result.layers[1].gain_db, 80);
  EXPECT_EQ(report::offenders(result).front(), &result.layers[1]);
  EXPECT_EQ(result.layers[0].gain_db, 0.0);
  EXPECT_EQ(result.layers[4].gain_db, 0.0);
  EXPECT_EQ(result.layers[4].snr_after_db, result.output_snr_after_db);
}

TEST(Diagnose, TellsTheNoiseOfWeightsFromThatOfInputs) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(kSamples);
  const auto weights_alone = quantized(model, widths(model, 3));
  const auto inputs_alone =
      quantized(model, widths(model, allocation::kFloatBits), activations(model, samples, 3));
  const auto by_weights = diagnosed(model, weights_alone, weights_alone);
  const auto by_inputs = diagnosed(model, inputs_alone, inputs_alone);
  for (std::size_t l = 0; l < by_weights.layers.size(); ++l) {
    EXPECT_TRUE(by_weights.layers[l].weight_snr_db);
    EXPECT_FALSE(by_weights.layers[l].input_snr_db);
    EXPECT_FALSE(by_inputs.layers[l].weight_snr_db);
    EXPECT_TRUE(by_inputs.layers[l].input_snr_db);
  }
  // Both at once: each layer's own noise stays what it was.
  const auto both = quantized(model, widths(model, 3), activations(model, samples, 3));
  const auto together = diagnosed(model, both, both);
  for (std::size_t l = 0; l < together.layers.size(); ++l) {
    EXPECT_NEAR(*together.layers[l].weight_snr_db, *by_weights.layers[l].weight_snr_db, 1e-3);
    EXPECT_NEAR(*together.layers[l].input_snr_db, *by_inputs.layers[l].input_snr_db, 1e-3);
  }
}

TEST(Diagnose, OwnNoiseOfTheOneQuantizedLayerIsAllTheNoiseThereIs) {
  // The last layer's feature is its operator's output: no activation cuts the noise off.
  const pipeline::Model model = pipeline::small_model();
  auto bits = widths(model, allocation::kFloatBits);
  bits.back() = 3;
  const auto after = quantized(model, bits);
  const auto result = diagnosed(model, after, after);
  EXPECT_NEAR(*result.layers.back().weight_snr_db, *result.layers.back().snr_after_db, 1e-6);
}

TEST(Diagnose, MoreBitsAreLessNoiseBeforeAndAfter) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(kSamples);
  const auto before = quantized(model, widths(model, 3), activations(model, samples, 8));
  const auto after = quantized(model, widths(model, 8), activations(model, samples, 8));
  const auto result = diagnosed(model, before, after);
  EXPECT_LT(*result.output_snr_before_db, *result.output_snr_after_db);
  for (const auto& layer : result.layers) {
    EXPECT_LT(*layer.snr_before_db, *layer.snr_after_db) << layer.name;
  }
  for (const auto& block : result.blocks) {
    EXPECT_LT(*block.snr_before_db, *block.snr_after_db) << block.name;
  }
}

TEST(Diagnose, GainIsWhatTheOutputReallyGains) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(kSamples);
  const auto quantizers = activations(model, samples, 4);
  const auto after = quantized(model, widths(model, 3), quantizers);
  const auto result = diagnosed(model, after, after);
  for (std::size_t l = 0; l < result.layers.size(); ++l) {
    auto bits = widths(model, 3);
    bits[l] = allocation::kFloatBits;
    auto remaining = quantizers;
    remaining.erase(model.discovery.layers[l].input);
    graph::Graph without = quantized(model, bits, remaining);
    // Where the input stays float, the bias is not rounded either; where others read the input too,
    // theirs are not, which gain_db leaves as they are.
    for (std::size_t other = 0; other < result.layers.size(); ++other) {
      const graph::Layer& layer = model.discovery.layers[other];
      if (other == l || layer.bias == graph::kNoValue) continue;
      without.mutable_value(layer.bias).constant = after.value(layer.bias).constant;
    }
    const auto better = diagnosed(model, without, without, {.gain_samples = 0});
    const double gained = *better.output_snr_after_db - *result.output_snr_after_db;
    ASSERT_TRUE(result.layers[l].gain_db);
    EXPECT_NEAR(*result.layers[l].gain_db, gained, 1e-3) << result.layers[l].name;
  }
}

TEST(Diagnose, HasTheSameResultForEveryBatchSize) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(kSamples);
  const auto after = quantized(model, widths(model, 4), activations(model, samples, 6));
  const auto whole = diagnosed(model, after, after, {.batch_size = kSamples});
  const auto parts = diagnosed(model, after, after, {.batch_size = 7});
  for (std::size_t l = 0; l < whole.layers.size(); ++l) {
    EXPECT_NEAR(*whole.layers[l].snr_after_db, *parts.layers[l].snr_after_db, 1e-3);
    EXPECT_NEAR(*whole.layers[l].weight_snr_db, *parts.layers[l].weight_snr_db, 1e-3);
    EXPECT_NEAR(*whole.layers[l].input_snr_db, *parts.layers[l].input_snr_db, 1e-3);
    EXPECT_EQ(whole.layers[l].clipped_share, parts.layers[l].clipped_share);
  }
}

TEST(Diagnose, SeesWhatAQuantizerClips) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(kSamples);
  auto quantizers = activations(model, samples, 8);
  const graph::ValueId input = model.discovery.layers[0].input;
  auto& params = quantizers.at(input);
  // [-1, 1] of standard normal numbers: 31.7 % lie outside.
  params.scale.front() = 1.0F / 128;
  params.zero_point.front() = 128;
  const auto after = quantized(model, widths(model, allocation::kFloatBits), quantizers);
  const auto result = diagnosed(model, after, after);
  const double n = static_cast<double>(kSamples) * 3 * 8 * 8;
  const double expected = 0.3173;
  EXPECT_NEAR(result.layers[0].clipped_share,
              expected,
              5 * std::sqrt(expected * (1 - expected) / n) + 0.004);
  EXPECT_GT(result.layers[0].clipping_noise_share, 0.99);
  // The error search keeps the others' ranges wide enough.
  EXPECT_LT(result.layers[2].clipped_share, 0.01);
}

TEST(Diagnose, HoldsANetworkAgainstTheReferenceItWasMadeFrom) {
  // Channels of conv2's output times 4, conv3's inputs divided by 4: the same function.
  const pipeline::Model model = pipeline::small_model();
  graph::Graph scaled = model.graph;
  const auto scale = [&](graph::ValueId id, float factor) {
    for (float& w : scaled.mutable_value(id).constant->mutable_data<float>()) w *= factor;
  };
  scale(model.discovery.layers[1].weight, 4);
  scale(model.discovery.layers[1].bias, 4);
  scale(model.discovery.layers[2].weight, 0.25F);
  pipeline::Samples samples = pipeline::small_samples(kSamples);
  const auto against_model =
      diagnose(model, {scaled}, {scaled}, *samples.dataset, samples.indices, {});
  EXPECT_NEAR(*against_model.layers[1].snr_after_db, 20 * std::log10(1.0 / 3), 1e-3);
  const auto against_own =
      diagnose(model, {scaled, &scaled}, {scaled, &scaled}, *samples.dataset, samples.indices, {});
  EXPECT_FALSE(against_own.layers[1].snr_after_db);
}

TEST(Diagnose, NamesWhatAStrangeNetworkLacks) {
  const pipeline::Model model = pipeline::small_model();
  const pipeline::Model other = [] {
    pipeline::Model renamed = pipeline::small_model();
    renamed.graph.mutable_node(renamed.discovery.layers[2].node).name = "renamed";
    return renamed;
  }();
  try {
    (void)diagnosed(model, other.graph, other.graph);
    FAIL() << "accepted a network without conv3";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("'conv3'"), std::string::npos) << error.what();
  }
}

TEST(Diagnose, RefusesWidthsThatAreNotOneALayer) {
  const pipeline::Model model = pipeline::small_model();
  EXPECT_THROW((void)diagnosed(model, model.graph, model.graph, {.weight_bits = {3}}), ConfigError);
}

TEST(Diagnose, FindsEveryLayerOfTheShippedNetworks) {
  for (const char* name : {"resnet20-fashion-mnist", "mobilenetv2-fashion-mnist"}) {
    const pipeline::Model model =
        pipeline::load_model(testing::source_dir() / "models" / (std::string(name) + ".onnx"));
    const auto specs = pipeline::input_specs(model.graph);
    ASSERT_EQ(specs.size(), 1U);
    std::vector<std::int64_t> shape = specs.front().extents;
    shape.insert(shape.begin(), 4);
    pipeline::Samples samples;
    samples.dataset = std::make_unique<testing::MemoryDataset>(testing::normal_samples(shape, 3));
    samples.indices = {0, 1, 2, 3};
    const auto after = quantized(model, widths(model, 4), activations(model, samples, 6));
    const auto result = diagnose(
        model, {after}, {after}, *samples.dataset, samples.indices, {.executor = {.threads = 1}});
    for (const auto& layer : result.layers) {
      EXPECT_TRUE(layer.snr_after_db) << name << " " << layer.name;
      EXPECT_TRUE(layer.weight_snr_db) << name << " " << layer.name;
      EXPECT_TRUE(layer.input_snr_db) << name << " " << layer.name;
      EXPECT_TRUE(layer.gain_db) << name << " " << layer.name;
      EXPECT_GE(layer.channel_spread, 1) << name << " " << layer.name;
    }
  }
}

TEST(Diagnose, StandsInTheJsonOfAQuantization) {
  const pipeline::Model model = pipeline::small_model();
  const auto after = quantized(model, widths(model, 3));
  report::Quantization quantization;
  quantization.networks.emplace_back();
  EXPECT_FALSE(nlohmann::json::parse(report::to_json(quantization)).contains("diagnosis"));
  quantization.diagnosis = diagnosed(model, after, after, {.weight_bits = widths(model, 3)});
  const auto json = nlohmann::json::parse(report::to_json(quantization))["diagnosis"];
  ASSERT_EQ(json["layers"].size(), model.discovery.layers.size());
  ASSERT_EQ(json["blocks"].size(), model.discovery.blocks.size());
  for (std::size_t l = 0; l < model.discovery.layers.size(); ++l) {
    const auto& layer = json["layers"][l];
    EXPECT_EQ(layer["name"], model.discovery.layers[l].name);
    EXPECT_EQ(layer["weight_bits"], 3);
    EXPECT_EQ(layer["snr_before_db"], layer["snr_after_db"]);
    EXPECT_TRUE(layer.contains("weight_snr_db"));
    EXPECT_FALSE(layer.contains("input_snr_db"));  // the inputs are float
  }
  ASSERT_EQ(json["advice"].size(), quantization.diagnosis->advice.size());
  ASSERT_FALSE(json["advice"].empty());
  for (const char* part : {"layer", "finding", "remedy"}) {
    EXPECT_TRUE(json["advice"][0].contains(part)) << part;
  }
}

TEST(Diagnose, RefusesNoSamples) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(kSamples);
  EXPECT_THROW((void)diagnose(model, {model.graph}, {model.graph}, *samples.dataset, {}, {}),
               DataError);
}

}  // namespace
}  // namespace ompq::diagnosis
