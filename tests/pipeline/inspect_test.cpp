#include "ompq/pipeline/inspect.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/version.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/report/json.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using allocation::kFloatBits;

TEST(Inspect, ShowsHowAFileWasQuantized) {
  const testing::TemporaryDirectory folder;
  const Model model = small_model();
  rounding::ActivationQuantizers activations;
  for (const auto& layer : model.discovery.layers) {
    activations[layer.input] = {.bits = BitWidth(6), .scale = {0.25F}, .zero_point = {1}};
  }
  const QuantizedNetwork network =
      quantize_network(model, {3, 4, kFloatBits, 2, 8}, activations, {});
  const auto content = export_file(network, {.budget = "size=9000"});
  onnx_io::write_onnx_file(folder / "small.onnx", content);
  const report::Inspection inspection = inspect(load_model(folder / "small.onnx"));
  ASSERT_TRUE(inspection.quantization);
  EXPECT_EQ(inspection.quantization->version, version());
  const auto json = nlohmann::json::parse(report::to_json(inspection))["quantization"];
  EXPECT_EQ(json["float_sha256"], model.sha256);
  EXPECT_EQ(json["budget"], "size=9000");
  EXPECT_EQ(json["weight_bits"], nlohmann::json({3, 4, kFloatBits, 2, 8}));
  EXPECT_EQ(json["activation_bits"], nlohmann::json({6, 6, 6, 6, 6}));
}

TEST(Inspect, HasNoQuantizationForOtherFiles) {
  const report::Inspection inspection = inspect(small_model());
  EXPECT_FALSE(inspection.quantization);
  EXPECT_FALSE(nlohmann::json::parse(report::to_json(inspection)).contains("quantization"));
}

TEST(Inspect, CountsParametersAndMacs) {
  const Model model = small_model();
  const report::Inspection shown = inspect(model);
  ASSERT_EQ(shown.inputs.size(), 1U);
  EXPECT_EQ(shown.inputs.front().name, "x");
  EXPECT_EQ(shown.inputs.front().shape, "Nx3x8x8");
  EXPECT_EQ(shown.outputs.front().shape, "Nx6");
  ASSERT_EQ(shown.layers.size(), 5U);
  EXPECT_EQ(shown.layers[0].name, "conv1");
  EXPECT_EQ(shown.layers[0].weights, 8 * 3 * 9);
  EXPECT_EQ(shown.layers[0].macs, 8 * 3 * 9 * 64);
  EXPECT_EQ(shown.layers[4].weights, 6 * 8);
  // Weights and biases of 8x3x3x3, 8x8x3x3, 8x8x1x1, 8x1x3x3 and 6x8.
  EXPECT_EQ(shown.parameters, (216 + 8) + (576 + 8) + (64 + 8) + (72 + 8) + (48 + 6));
  EXPECT_EQ(shown.macs, 64 * (216 + 576 + 64 + 72) + 48);
  std::size_t in_blocks = 0;
  for (const report::BlockRow& block : shown.blocks) in_blocks += block.layers.size();
  EXPECT_EQ(in_blocks, 5U) << "every layer is in one block";
}

TEST(Inspect, GivesTheReasonIfAProductIsNotALayer) {
  testing::GraphBuilder builder("product");
  const auto x =
      builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(4), graph::Dim::fixed(4)});
  Model model;
  model.graph = builder.finish({builder.matmul("scores", x, x)});
  model.discovery = graph::discover(model.graph);
  const report::Inspection shown = inspect(model);
  ASSERT_EQ(shown.not_quantizable.size(), 1U);
  EXPECT_EQ(shown.not_quantizable[0].name, "scores");
  EXPECT_EQ(shown.not_quantizable[0].reason, "it multiplies two activations");
}

}  // namespace
}  // namespace ompq::pipeline
