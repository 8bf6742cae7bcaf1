#include "ompq/targets/quantized_view.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ompq/graph/operator_traits.h"

namespace ompq::targets {

using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

QuantizedView::QuantizedView(const graph::Graph& graph, const TargetRow& target)
    : graph_(graph), target_(target), uses_(graph) {
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const auto id = static_cast<NodeId>(n);
    if (!is(id, "QuantizeLinear") || constant(node(id).input(0)) != nullptr) continue;
    quantizers_.push_back(quantizer_of(id));
  }
}

NodeId QuantizedView::producer(ValueId id) const {
  return id == kNoValue ? kNoNode : uses_.producer(id);
}

const Tensor* QuantizedView::constant(ValueId id) const {
  return graph_.is_constant(id) ? &*graph_.value(id).constant : nullptr;
}

bool QuantizedView::is(NodeId id, std::string_view op_type) const {
  return id != kNoNode && node(id).domain.empty() && node(id).is(op_type);
}

Quantizer QuantizedView::quantizer_of(NodeId id) const {
  const Node& node = graph_.node(id);
  Quantizer quantizer{
      .node = id, .scale = constant(node.input(1)), .zero_point = constant(node.input(2))};
  const Tensor* codes = constant(node.input(0));
  if (is(id, "DequantizeLinear") && codes != nullptr) {
    quantizer.codes = codes->type();
  } else if (quantizer.zero_point != nullptr) {
    quantizer.codes = quantizer.zero_point->type();
  }
  return quantizer;
}

std::optional<Quantizer> QuantizedView::decoded(ValueId value) const {
  const NodeId id = producer(value);
  if (!is(id, "DequantizeLinear") || constant(node(id).input(0)) != nullptr) return std::nullopt;
  return quantizer_of(id);
}

std::optional<Quantizer> QuantizedView::decoded_constant(ValueId value) const {
  const NodeId id = producer(value);
  if (!is(id, "DequantizeLinear") || constant(node(id).input(0)) == nullptr) return std::nullopt;
  return quantizer_of(id);
}

std::optional<Quantizer> QuantizedView::quantized(ValueId value) const {
  while (!graph_.is_output(value)) {
    const NodeId reader = uses_.sole_reader(value);
    if (reader == kNoNode) return std::nullopt;
    if (is(reader, "QuantizeLinear")) return quantizer_of(reader);
    if (!graph::bounds_of(graph_, node(reader)) || node(reader).input(0) != value) break;
    value = node(reader).outputs.front();
  }
  return std::nullopt;
}

std::vector<ValueId> QuantizedView::data_operands(const Node& node) const {
  constexpr std::array<std::string_view, 7> kAll{
      "Add", "Sub", "Mul", "Div", "Concat", "MatMul", "Max"};
  if (std::ranges::find(kAll, node.op_type) != kAll.end()) return node.inputs;
  return {node.input(0)};
}

bool QuantizedView::is_layer(NodeId id) const {
  if (id == kNoNode || !node(id).domain.empty()) return false;
  if (graph::traits_of(node(id)).integer != graph::IntegerForm::Product) return false;
  return decoded(node(id).input(0)) && decoded_constant(node(id).input(1));
}

std::vector<NodeId> QuantizedView::layers() const {
  std::vector<NodeId> found;
  for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
    if (is_layer(static_cast<NodeId>(n))) found.push_back(static_cast<NodeId>(n));
  }
  return found;
}

bool QuantizedView::is_operator(NodeId id) const {
  if (is(id, "QuantizeLinear") || is(id, "DequantizeLinear")) return false;
  const graph::IntegerForm form = target_.form_of(graph_, node(id));
  return form == graph::IntegerForm::Requantizes || form == graph::IntegerForm::PassesCodes;
}

bool QuantizedView::has_values(const Quantizer& quantizer, const FixedQuantizer& fixed) const {
  const auto scales = floats_of(quantizer.scale);
  const auto zeros = floats_of(quantizer.zero_point);
  const auto zero = static_cast<float>(fixed.zero_point - (target_.signed_codes ? 128 : 0));
  return scales.size() == 1 && scales.front() == fixed.scale &&
         (zeros.empty() ? zero == 0.0F : zeros.front() == zero);
}

/// True if kernels prescribe different quantizers for values that would need a common one: such an
/// operator stays float.
bool QuantizedView::mixes_prescribed(const std::vector<ValueId>& operands) const {
  const auto prescribed = [&](ValueId value) {
    const auto quantizer = decoded(value);
    return quantizer && std::ranges::any_of(target_.fixed, [&](const FixedQuantizer& fixed) {
             return has_values(*quantizer, fixed);
           });
  };
  return std::ranges::any_of(operands, prescribed) && !std::ranges::all_of(operands, prescribed);
}

bool QuantizedView::runs_on_codes(NodeId id) const {
  if (id == kNoNode) return false;
  if (is_layer(id)) return true;
  if (!is_operator(id)) return false;
  const auto operands = data_operands(node(id));
  const bool all =
      std::ranges::all_of(operands, [&](ValueId operand) { return decoded(operand).has_value(); });
  const bool passes = target_.form_of(graph_, node(id)) == graph::IntegerForm::PassesCodes;
  return all && !(passes && mixes_prescribed(operands));
}

bool QuantizedView::ends_network(ValueId value) const {
  while (!graph_.is_output(value)) {
    const NodeId reader = uses_.sole_reader(value);
    if (reader == kNoNode || !graph::bounds_of(graph_, node(reader))) return false;
    value = node(reader).outputs.front();
  }
  return true;
}

std::string QuantizedView::place(NodeId id) const {
  const Node& node = graph_.node(id);
  const bool named = !node.name.empty();
  return fmt::format(
      "{} '{}'", node.op_type, named ? node.name : graph_.value(node.outputs.front()).name);
}

namespace {

std::vector<float> zeros_of(const Quantizer& quantizer) {
  return quantizer.zero_point == nullptr ? std::vector<float>{0.0F}
                                         : quantizer.zero_point->to_floats();
}

}  // namespace

std::vector<float> floats_of(const Tensor* tensor) {
  return tensor == nullptr ? std::vector<float>{} : tensor->to_floats();
}

bool same_quantizer(const Quantizer& a, const Quantizer& b) {
  if (a.scale == nullptr || b.scale == nullptr) return false;
  return a.scale->to_floats() == b.scale->to_floats() && zeros_of(a) == zeros_of(b);
}

std::string text_of(const Quantizer& quantizer) {
  if (quantizer.scale == nullptr) return "a scale that is computed at run time";
  const auto scales = quantizer.scale->to_floats();
  if (scales.size() != 1) return fmt::format("{} scales", scales.size());
  return fmt::format("scale {}, zero point {}", scales.front(), zeros_of(quantizer).front());
}

}  // namespace ompq::targets
