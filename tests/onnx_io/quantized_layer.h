#pragma once

#include <string>

#include "ompq/onnx_io/exporter.h"
#include "ompq/quant/short_scale.h"
#include "onnx_io/small_network.h"

namespace ompq::testing {

/// x [N, 3, 4, 4] -> QuantizeLinear -> DequantizeLinear (its scale written once for each slice) ->
/// Conv to `channels`, as the tools that make packed files leave it: short scales, rounded biases.
/// @param bias the largest bias, in units of the weights' own size.
[[nodiscard]] inline graph::Graph quantized_layer(onnx_io::ExportOptions& options,
                                                  std::int64_t channels = 20,
                                                  float bias = 3) {
  constexpr float kScale = 0.034375F;  // 5 significant bits: 1.1 x 2^-5
  const float scale = quant::short_scale(kScale, quant::Snap::Nearest);
  graph::Graph graph;
  const auto x = graph.add_input(
      "x",
      DataType::Float32,
      {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(4), graph::Dim::fixed(4)});
  const auto constant = [&](const std::string& name, const Tensor& tensor) {
    return graph.add_constant(name, tensor);
  };
  const auto codes = graph.add_op({"q",
                                   "QuantizeLinear",
                                   "",
                                   {x,
                                    constant("scale", Tensor::scalar(scale)),
                                    constant("zero", Tensor::scalar(std::uint8_t{120}))},
                                   {},
                                   {}});
  const auto repeated = [](auto value) { return Tensor::from({4}, std::vector(4, value)); };
  const auto real = graph.add_op(
      {"dq",
       "DequantizeLinear",
       "",
       {codes, constant("scales", repeated(scale)), constant("zeros", repeated(std::uint8_t{120}))},
       {},
       {{"axis", std::int64_t{2}}}});
  constant("w", normal_tensor({channels, 3, 3, 3}, 5));
  auto weight =
      quantized(graph, "w", BitWidth(3), quant::Symmetry::Asymmetric, quant::Granularity::along(0));
  quant::shorten_scales(weight.params, quant::Snap::Nearest);
  Tensor biases = normal_tensor({channels}, 6);
  for (std::int64_t c = 0; c < channels; ++c) {
    float& value = biases.mutable_data<float>()[static_cast<std::size_t>(c)];
    value =
        quant::short_bias(bias * value, scale * weight.params.scale[static_cast<std::size_t>(c)]);
  }
  options.quantized["w"] = weight;
  graph.mark_output(graph.add_op({"conv",
                                  "Conv",
                                  "",
                                  {real, graph.find_value("w"), constant("b", biases)},
                                  {},
                                  {{"group", std::int64_t{1}},
                                   {"kernel_shape", std::vector<std::int64_t>{3, 3}},
                                   {"pads", std::vector<std::int64_t>{0, 0, 0, 0}},
                                   {"strides", std::vector<std::int64_t>{1, 1}}}}));
  return graph;
}

}  // namespace ompq::testing
