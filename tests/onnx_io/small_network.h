#pragma once

#include <map>
#include <string>

#include "ompq/core/random.h"
#include "ompq/graph/graph.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::testing {

/// Standard normal numbers, the same for the same seed.
[[nodiscard]] inline Tensor normal_tensor(std::vector<std::int64_t> shape, std::uint64_t seed) {
  Tensor tensor(DataType::Float32, std::move(shape));
  Random random(seed);
  for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(random.normal());
  return tensor;
}

/// Conv, grouped Conv whose element count is no multiple of 8, ConvTranspose, pooling, Gemm and
/// MatMul: every operator with a weight, each with a name, over inputs Nx3x8x8.
[[nodiscard]] inline graph::Graph small_network() {
  using graph::ValueId;
  graph::Graph graph;
  graph.name = "small";
  const ValueId input = graph.add_input(
      "image",
      DataType::Float32,
      {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  const auto weight = [&](const std::string& name, std::vector<std::int64_t> shape) {
    return graph.add_constant(name, normal_tensor(std::move(shape), graph.values().size()));
  };
  const std::vector<std::int64_t> pads{1, 1, 1, 1};
  ValueId x = graph.add_op({"stem",
                            "Conv",
                            "",
                            {input, weight("stem.weight", {9, 3, 3, 3}), weight("stem.bias", {9})},
                            {},
                            {{"pads", pads}}});
  x = graph.add_op({"relu", "Relu", "", {x}, {}, {}});
  x = graph.add_op({"depthwise",
                    "Conv",
                    "",
                    {x, weight("depthwise.weight", {9, 1, 3, 3})},
                    {},
                    {{"pads", pads}, {"group", std::int64_t{9}}}});
  x = graph.add_op({"up", "ConvTranspose", "", {x, weight("up.weight", {9, 16, 2, 2})}, {}, {}});
  x = graph.add_op({"pool", "GlobalAveragePool", "", {x}, {}, {}});
  x = graph.add_op({"flat", "Flatten", "", {x}, {}, {}});
  x = graph.add_op({"hidden",
                    "Gemm",
                    "",
                    {x, weight("hidden.weight", {20, 16}), weight("hidden.bias", {20})},
                    {},
                    {{"transB", std::int64_t{1}}}});
  x = graph.add_op({"head", "MatMul", "", {x, weight("head.weight", {20, 5})}, {}, {}});
  graph.mutable_value(x).shape = graph::Shape{graph::Dim::batch(), graph::Dim::fixed(5)};
  graph.mark_output(x);
  return graph;
}

/// Output channels of each weight of small_network().
[[nodiscard]] inline std::map<std::string, std::int64_t> small_network_axes() {
  return {{"stem.weight", 0},
          {"depthwise.weight", 0},
          {"up.weight", 1},
          {"hidden.weight", 0},
          {"head.weight", 1}};
}

[[nodiscard]] inline quant::QuantizedTensor quantized(const graph::Graph& graph,
                                                      const std::string& name,
                                                      BitWidth bits,
                                                      quant::Symmetry symmetry,
                                                      quant::Granularity granularity) {
  const Tensor& weight = *graph.value(graph.find_value(name)).constant;
  const quant::ChooseOptions options{.bits = bits,
                                     .symmetry = symmetry,
                                     .granularity = granularity,
                                     .method = quant::RangeMethod::MinMax};
  return quant::quantize(weight, quant::choose_qparams(weight, options));
}

}  // namespace ompq::testing
