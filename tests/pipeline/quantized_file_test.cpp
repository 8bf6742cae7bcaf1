#include "ompq/pipeline/quantized_file.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/file_metadata.h"
#include "ompq/pipeline/network.h"
#include "pipeline/integer_networks.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using allocation::kFloatBits;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ReadQuantizedFile, RejectsFilesOfOtherNetworksAndPrograms) {
  const testing::TemporaryDirectory folder;
  const Model model = small_model();
  const auto message_for = [&](const graph::Graph& graph) {
    write_file_atomically(
        folder / "other.onnx",
        onnx_io::export_onnx_bytes(graph, {.format = onnx_io::WeightFormat::Float}));
    try {
      (void)read_quantized_file(model, folder / "other.onnx");
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  graph::Graph other = model.graph;
  EXPECT_THAT(message_for(other), HasSubstr("has no metadata about its bits"));
  FileMetadata note{.version = "1",
                    .float_sha256 = "1",
                    .weight_bits = std::vector<int>(5, 3),
                    .activation_bits = std::vector<int>(5, 8)};
  other.metadata = to_metadata(note);
  EXPECT_THAT(message_for(other), HasSubstr("made from another network"));
  note.float_sha256 = model.sha256;
  other.metadata = to_metadata(note);
  EXPECT_THAT(message_for(other), HasSubstr("are not on 8 levels"));
}

TEST(CommonStep, IsTheCoarsestOneThatFits) {
  EXPECT_EQ(common_step({0.0F, 0.0F}, 2), 1.0F);
  EXPECT_EQ(common_step({-0.5F, 0.25F, 0.0F}, 2), 0.25F);
  EXPECT_EQ(common_step({0.5F, -0.5F}, 4), 0.5F);
  // 0.75 and 0.5 are multiples of 0.25 alone.
  EXPECT_EQ(common_step({0.75F, 0.5F}, 2), 0.25F);
  EXPECT_FALSE(common_step({1.0F, 0.25F}, 2)) << "it needs five levels";
  EXPECT_FALSE(common_step({1.0F, 0.3F}, 3));
}

TEST(ReadQuantizedFile, ReadsWidthsCodesQuantizersAndTheBudget) {
  const testing::TemporaryDirectory folder;
  const Model model = small_model();
  const auto& layers = model.discovery.layers;
  rounding::ActivationQuantizers activations;
  activations[layers[1].input] = {.bits = BitWidth(8), .scale = {0.0625F}, .zero_point = {3}};
  activations[layers[4].input] = {.bits = BitWidth(4), .scale = {0.125F}, .zero_point = {0}};
  const std::vector<int> bits{3, 8, 1, kFloatBits, 5};
  const QuantizedNetwork network = quantize_network(model, bits, activations, {.target = "exact"});
  for (const auto format : {onnx_io::WeightFormat::Packed, onnx_io::WeightFormat::Qdq}) {
    const auto file = folder / "net.onnx";
    onnx_io::write_onnx_file(file,
                             export_file(network, {.format = format, .budget = "avg-bits=4"}));
    const QuantizedFile read = read_quantized_file(model, file);
    EXPECT_EQ(read.weight_bits, bits);
    EXPECT_EQ(read.budget, "avg-bits=4");
    EXPECT_THAT(read.activation_bits, ElementsAre(std::nullopt, 8, std::nullopt, std::nullopt, 4));
    EXPECT_EQ(read.codes.activations.at(layers[1].input).zero_point.front(), 3);
    EXPECT_EQ(read.codes.activations.at(layers[4].input).scale.front(), 0.125F);
    ASSERT_EQ(read.codes.weights.size(), 4U);
    for (const auto& [name, weight] : network.weights) {
      EXPECT_TRUE(quant::dequantize(read.codes.weights.at(name)).equals(quant::dequantize(weight)))
          << name;
    }
  }
}

/// Not only those of layers' inputs, so that training can go on.
TEST(ReadQuantizedFile, ReadsQuantizersBetweenOperators) {
  const testing::TemporaryDirectory folder;
  Model model = small_model();
  Samples samples = small_samples(32);
  rounding::CalibrationOptions options;
  options.target = kTarget;
  const auto activations = calibrate(model, {8, 4, 8, 5, 8}, samples, options, {});
  EXPECT_GT(activations.size(), model.discovery.layers.size());
  const QuantizedNetwork network =
      quantize_network(model, {3, 8, 1, 4, 5}, activations, {.target = kTarget});
  for (const auto format : {onnx_io::WeightFormat::Packed, onnx_io::WeightFormat::Qdq}) {
    onnx_io::write_onnx_file(folder / "net.onnx", export_file(network, {.format = format}));
    const QuantizedFile read = read_quantized_file(model, folder / "net.onnx");
    EXPECT_EQ(read.codes.target, kTarget);
    ASSERT_EQ(read.codes.activations.size(), activations.size());
    for (const auto& [value, params] : activations) {
      const quant::QuantParams& there = read.codes.activations.at(value);
      const std::string& name = model.graph.value(value).name;
      EXPECT_EQ(there.scale, params.scale) << name;
      EXPECT_EQ(there.zero_point, params.zero_point) << name;
      EXPECT_EQ(there.bits.value(), params.bits.value()) << name;
    }
  }
}

}  // namespace
}  // namespace ompq::pipeline
