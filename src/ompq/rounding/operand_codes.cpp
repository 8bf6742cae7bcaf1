#include "ompq/rounding/operand_codes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/graph/passes.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/targets/placement.h"

namespace ompq::rounding {
namespace {

/// The operand of form_with_codes().
Tensor operand_with_codes(const graph::Node& node, const Tensor& constant) {
  if (form_with_codes(node) == node.op_type) return constant;
  std::vector<float> values = constant.to_floats();
  for (float& value : values) value = node.is("Sub") ? -value : 1.0F / value;
  return Tensor::from(constant.shape(), values);
}

graph::ValueId add_decoded(graph::Graph& graph, const std::string& name, const Tensor& constant) {
  const quant::QuantParams params = operand_params(constant);
  const quant::QuantizedTensor coded = quant::quantize(constant, params);
  const auto codes = graph.add_constant(name, Tensor::from(constant.shape(), coded.codes));
  const auto scale = graph.add_constant(name + "_scale", Tensor::scalar(params.scale.front()));
  const auto zero = graph.add_constant(
      name + "_zero", Tensor::scalar(static_cast<std::uint8_t>(params.zero_point.front())));
  graph::Node node{
      .name = name + "_dq", .op_type = "DequantizeLinear", .inputs = {codes, scale, zero}};
  node.attributes[std::string(graph::kOperandCodesNote)] = std::int64_t{1};
  const graph::ValueId real = graph.add_op(std::move(node));
  graph.mutable_value(real).shape = graph::fixed_shape(constant.shape());
  return real;
}

}  // namespace

std::string_view form_with_codes(const graph::Node& node) {
  if (node.domain.empty() && node.is("Sub")) return "Add";
  if (node.domain.empty() && node.is("Div")) return "Mul";
  return node.op_type;
}

quant::QuantParams operand_params(const Tensor& constant) {
  quant::QuantParams params = quant::choose_qparams(constant,
                                                    {.bits = BitWidth(8),
                                                     .symmetry = quant::Symmetry::Asymmetric,
                                                     .method = quant::RangeMethod::MinMax});
  const std::vector<float> values = constant.to_floats();
  const auto other = std::ranges::find_if(values, [](float value) { return value != 0.0F; });
  if (other == values.end()) return params;
  const bool one_number = std::all_of(
      other, values.end(), [&](float value) { return value == 0.0F || value == *other; });
  if (!one_number) return params;
  params.scale = {std::abs(*other)};
  params.zero_point = {*other < 0.0F ? 1 : 0};
  return params;
}

int insert_operand_codes(graph::Graph& graph,
                         const std::function<bool(graph::ValueId)>& is_quantized) {
  const auto operands = targets::constants_on_codes(graph, is_quantized);
  // Operators that need the same form of a constant share its codes.
  std::map<std::pair<graph::ValueId, std::string>, graph::ValueId> decoded;
  for (const auto& [id, input] : operands) {
    const graph::Node node = graph.node(id);
    const graph::ValueId value = node.inputs[input];
    const std::string op_type(form_with_codes(node));
    const std::string suffix = op_type == node.op_type ? "" : "_" + op_type;
    const auto [entry, fresh] = decoded.emplace(std::pair(value, suffix), graph::kNoValue);
    if (fresh) {
      const Tensor constant = operand_with_codes(node, *graph.value(value).constant);
      entry->second = add_decoded(graph, graph.value(value).name + suffix + "_q", constant);
    }
    graph::Node& own = graph.mutable_node(id);
    own.op_type = op_type;
    own.inputs[input] = entry->second;
    if (input == 0 && !own.is("Concat")) std::swap(own.inputs[0], own.inputs[1]);
  }
  if (!operands.empty()) graph.sort();
  return static_cast<int>(operands.size());
}

}  // namespace ompq::rounding
