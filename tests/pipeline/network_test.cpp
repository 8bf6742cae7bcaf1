#include "ompq/pipeline/network.h"

#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "pipeline/small_model.h"
#include "support/graph_builder.h"

namespace ompq::pipeline {
namespace {

/// Quantizers as calibration would leave them, for the layers with a width.
rounding::ActivationQuantizers quantizers(const Model& model, const std::vector<int>& bits) {
  rounding::ActivationQuantizers result;
  for (std::size_t l = 0; l < bits.size(); ++l) {
    if (bits[l] == allocation::kFloatBits) continue;
    const auto wobble = static_cast<float>(l) / 32;
    result[model.discovery.layers[l].input] = {
        .bits = BitWidth(bits[l]), .scale = {0.03125F * (1 + wobble)}, .zero_point = {1}};
  }
  return result;
}

void expect_exact(const Model& model,
                  const std::vector<int>& weight_bits,
                  const std::vector<int>& activation_bits,
                  quant::Symmetry symmetry,
                  const FileForm& form = {}) {
  const rounding::WeightOptions options{.symmetry = symmetry, .target = "exact"};
  const FileSize promised(model, options, form);
  const QuantizedNetwork network =
      quantize_network(model, weight_bits, quantizers(model, activation_bits), options);
  EXPECT_EQ(promised.bytes(weight_bits, activation_bits),
            static_cast<std::int64_t>(export_file(network, form).size()));
}

constexpr int kFloat = allocation::kFloatBits;

TEST(FileSize, IsThatOfTheWrittenFileToTheByte) {
  const Model model = small_model();
  for (const auto symmetry :
       {quant::Symmetry::Asymmetric, quant::Symmetry::Symmetric, quant::Symmetry::Normal}) {
    expect_exact(model, {3, 3, 3, 3, 3}, {8, 8, 8, 8, 8}, symmetry);
    expect_exact(model, {2, 8, 5, 4, 7}, {8, 8, 8, 8, 8}, symmetry);
    expect_exact(model, {4, 4, 3, 2, 8}, {4, 8, 6, 8, 8}, symmetry);
    expect_exact(model, {3, kFloat, 3, 3, 6}, {8, 8, 8, kFloat, 8}, symmetry);
    expect_exact(model, {3, 3, 2, 2, 8}, std::vector<int>(5, kFloat), symmetry);
  }
}

TEST(FileSize, IsExactInEveryFormOfAFile) {
  const Model model = small_model();
  const std::vector<int> widths{3, 8, 4, 2, 5};
  const std::vector<int> activations(5, 8);
  using onnx_io::WeightFormat;
  for (const FileForm& form : std::vector<FileForm>{
           {.format = WeightFormat::Qdq},
           {.format = WeightFormat::Qdq, .opset = 21},
           {.format = WeightFormat::Float, .opset = 17},
           {.opset = 19, .budget = "size=12345 avg-bits=3.5"},
           {.format = WeightFormat::Float, .name = "other.onnx", .max_model_bytes = 8000}}) {
    expect_exact(model, widths, activations, quant::Symmetry::Asymmetric, form);
  }
}

/// Two convolutions, of one weight or of one each.
Model two_readers(bool shared) {
  testing::GraphBuilder builder("twins");
  const auto x = builder.input(
      "x",
      {graph::Dim::batch(), graph::Dim::fixed(16), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  const auto y = builder.relu("relu", builder.conv("first", x, {.out = 16, .kernel = 3}));
  Model model;
  model.graph = builder.finish({builder.conv("second", y, {.out = 16, .kernel = 3})});
  const auto weight = model.graph.find_value("first.weight");
  if (shared) {
    model.graph.replace_uses(model.graph.find_value("second.weight"), weight);
  }
  model.discovery = graph::discover(model.graph);
  return model;
}

TEST(QuantizedFile, HoldsAWeightOnceThatTwoLayersShare) {
  constexpr std::int64_t kCodes = 16 * 16 * 9;
  for (const auto format : {onnx_io::WeightFormat::Packed, onnx_io::WeightFormat::Qdq}) {
    const FileForm form{.format = format};
    const auto size = [&](const Model& model) {
      return FileSize(model, {}, form).bytes({4, 4}, {8, 8});
    };
    const Model model = two_readers(true);
    const std::int64_t codes = format == onnx_io::WeightFormat::Packed ? kCodes / 2 : kCodes;
    EXPECT_LE(size(model), size(two_readers(false)) - codes);
    expect_exact(model, {4, 4}, {8, 8}, quant::Symmetry::Asymmetric, form);
  }
}

TEST(FileSize, HoldsWhereChannelsAreAllButDeadAndBiasesLarge) {
  Model model = small_model();
  for (const graph::Layer& layer : model.discovery.layers) {
    const auto weights = model.graph.mutable_value(layer.weight).constant->mutable_data<float>();
    for (std::size_t i = 0; i < weights.size() / 4; ++i) weights[i] *= 1e-9F;
    if (layer.bias == graph::kNoValue) continue;
    model.graph.mutable_value(layer.bias).constant->mutable_data<float>().front() = 50;
  }
  expect_exact(model, {2, 3, 4, 3, 8}, {8, 8, 8, 8, 8}, quant::Symmetry::Asymmetric);
}

}  // namespace
}  // namespace ompq::pipeline
