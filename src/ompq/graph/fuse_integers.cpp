#include "ompq/graph/fuse_integers.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ompq/graph/operator_traits.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {
namespace {

/// The levels of a FakeQuantize with one scale.
struct LevelRange {
  float scale = 1.0F;
  float low = 0.0F;
  float high = 0.0F;
};

std::optional<float> single_float(const Graph& graph, ValueId id) {
  if (!graph.is_constant(id) || graph.value(id).constant->elements() != 1) return std::nullopt;
  return graph.value(id).constant->to_floats().front();
}

/// The levels of a node with one scale, which produces them between quant_min and quant_max or as
/// all codes of a type.
std::optional<LevelRange> levels_of(const Graph& graph,
                                    const Node& node,
                                    float lowest,
                                    float highest) {
  const auto scale = single_float(graph, node.input(1));
  const auto zero =
      node.input(2) == kNoValue ? std::optional(0.0F) : single_float(graph, node.input(2));
  if (!scale || !zero) return std::nullopt;
  return LevelRange{*scale, lowest - *zero, highest - *zero};
}

std::optional<LevelRange> levels_of(const Graph& graph, NodeId id) {
  if (id == kNoNode) return std::nullopt;
  const Node& node = graph.node(id);
  if (node.domain != "ompq" || !node.is("FakeQuantize")) return std::nullopt;
  return levels_of(graph,
                   node,
                   static_cast<float>(node.int_attribute("quant_min", 0)),
                   static_cast<float>(node.int_attribute("quant_max", 0)));
}

/// The levels of a constant that a DequantizeLinear decodes.
std::optional<LevelRange> constant_levels(const Graph& graph, NodeId id) {
  if (id == kNoNode) return std::nullopt;
  const Node& node = graph.node(id);
  if (!node.domain.empty() || !node.is("DequantizeLinear")) return std::nullopt;
  if (!graph.is_constant(node.input(0))) return std::nullopt;
  const DataType type = graph.value(node.inputs[0]).constant->type();
  if (type == DataType::UInt8) return levels_of(graph, node, 0.0F, 255.0F);
  if (type == DataType::Int8) return levels_of(graph, node, -128.0F, 127.0F);
  return std::nullopt;
}

/// An operator between quantizers, and the prefixes of its operands' levels.
struct OperatorForm {
  std::string_view op_type;
  std::string_view fused;
  std::vector<std::string_view> operands;
  bool needs_quantizer = true;  ///< of the result; false: its result may also stay float
};

const std::vector<OperatorForm>& operator_forms() {
  static const std::vector<OperatorForm> kForms{
      {"Add", "IntegerAdd", {"a", "b"}},
      {"Mul", "IntegerMul", {"a", "b"}},
      {"MatMul", "IntegerActivationMatMul", {"a", "b"}, false},
      {"GlobalAveragePool", "IntegerGlobalAveragePool", {"input"}},
      {"AveragePool", "IntegerAveragePool", {"input"}},
      {"Sigmoid", "IntegerSigmoid", {"input"}},
      {"Softmax", "IntegerSoftmax", {"input"}},
  };
  return kForms;
}

/// True if a Softmax sums along one axis: before opset 13 all following axes were included.
bool sums_one_axis(const Graph& graph, const Node& node) {
  constexpr int kOneAxis = 13;
  if (!node.is("Softmax") || graph.opset >= kOneAxis) return true;
  const auto& shape = graph.value(node.inputs.front()).shape;
  const std::int64_t axis = node.int_attribute("axis", 1);
  return axis == -1 || (shape && axis == static_cast<std::int64_t>(shape->size()) - 1);
}

/// True if clipping to the levels does what the fused activation does.
bool performs_activation(const LevelRange& levels, const Node& node) {
  const FusedActivation activation = activation_of(node);
  if (activation.type.empty()) return true;
  Bounds bounds{};
  if (activation.type == "Relu") {
    bounds.low = 0.0F;
  } else if (activation.type == "Clip") {
    bounds = {std::get<float>(activation.parameters.at("min")),
              std::get<float>(activation.parameters.at("max"))};
  } else {
    return false;
  }
  return performs(levels.scale, levels.low, levels.high, bounds);
}

/// The axis of output channels of a fused product's weight; nullopt for other nodes.
std::optional<std::int64_t> channel_axis(const Graph& graph, const Node& node) {
  constexpr std::string_view kFused = "Fused";
  if (node.domain != "ompq" || !node.op_type.starts_with(kFused)) return std::nullopt;
  if (!graph.is_constant(node.input(1))) return std::nullopt;
  return integer_channel_axis(node,
                              std::string_view(node.op_type).substr(kFused.size()),
                              graph.value(node.inputs[1]).constant->rank());
}

/// The levels as float32 if they fit the constant; nullopt otherwise.
std::optional<Tensor> checked_numbers(const Value& weight, std::int64_t axis) {
  if (weight.levels == nullptr || !weight.constant) return std::nullopt;
  const Levels& levels = *weight.levels;
  const auto& shape = weight.constant->shape();
  if (levels.numbers.shape() != shape || levels.axis != axis || shape.size() < 2) {
    return std::nullopt;
  }
  const std::int64_t channels = shape[static_cast<std::size_t>(axis)];
  if (static_cast<std::int64_t>(levels.scale.size()) != channels) return std::nullopt;
  std::int64_t inner = 1;
  for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < shape.size(); ++d) inner *= shape[d];
  const auto numbers = levels.numbers.data<std::int8_t>();
  const auto values = weight.constant->data<float>();
  std::vector<float> floats(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto channel = static_cast<std::int64_t>(i) / inner % channels;
    floats[i] = numbers[i];
    if (floats[i] * levels.scale[static_cast<std::size_t>(channel)] != values[i]) {
      return std::nullopt;
    }
  }
  return Tensor::from(shape, floats);
}

class IntegerFuser {
 public:
  IntegerFuser(Graph& graph, std::span<const ValueId> keep) : graph_(graph), uses_(graph) {
    for (const ValueId id : keep) uses_.keep(id);
  }

  int run() {
    int made = 0;
    const std::size_t count = graph_.nodes().size();
    for (std::size_t n = 0; n < count; ++n) {
      const auto id = static_cast<NodeId>(n);
      made += fuse_product(id) || fuse_operator(id) ? 1 : 0;
    }
    graph_.erase_nodes(gone_);
    if (made > 0) graph_.sort();
    return made;
  }

 private:
  bool fuse_product(NodeId id) {
    const Node node = graph_.node(id);
    const auto axis = channel_axis(graph_, node);
    if (!axis || node.input(3) != kNoValue) return false;
    if (!has_kernel(node)) return false;
    const auto input = levels_read(node.inputs.front());
    if (!input) return false;
    const Requantizer after = requantizer_of(node.outputs.front());
    const auto& output = after.levels;
    const bool rounds = output && performs_activation(*output, node);
    if (!rounds && (node.is("FusedConv") || !activation_of(node).type.empty())) return false;
    if (node.is("FusedMatMul") && node.input(2) != kNoValue) return false;
    auto numbers = checked_numbers(graph_.value(node.inputs[1]), *axis);
    if (!numbers) return false;
    std::vector<float> steps;
    for (const float scale : graph_.value(node.inputs[1]).levels->scale) {
      steps.push_back(input->scale * scale);
    }
    ValueId bias = kNoValue;
    if (node.input(2) != kNoValue) {
      if (!graph_.is_constant(node.input(2))) return false;
      auto counts = multiples_of(*graph_.value(node.input(2)).constant, steps);
      if (!counts) return false;
      bias = graph_.add_constant("", std::move(*counts));
    }
    if (rounds) {
      for (float& step : steps) step /= output->scale;
    }
    const auto channels = static_cast<std::int64_t>(steps.size());
    const ValueId weight = graph_.add_constant("", std::move(*numbers));
    const ValueId multipliers = graph_.add_constant("", Tensor::from({channels}, steps));
    Node& product = graph_.mutable_node(id);
    product.op_type = "Integer" + node.op_type.substr(std::string_view("Fused").size());
    product.inputs = {node.inputs.front(), weight, bias, multipliers};
    std::erase_if(product.attributes,
                  [](const auto& entry) { return entry.first.starts_with("activation"); });
    set_levels(product, "input", *input);
    product.attributes["rounds"] = static_cast<std::int64_t>(rounds);
    if (rounds) {
      absorb(id, after.quantizer, *output);
      gone_.insert(gone_.end(), after.clips.begin(), after.clips.end());
    }
    return true;
  }

  /// The quantizer of `value`, after clipping that it performs; no levels if there is none.
  struct Requantizer {
    std::vector<NodeId> clips;
    NodeId quantizer = kNoNode;
    std::optional<LevelRange> levels;
  };

  [[nodiscard]] Requantizer requantizer_of(ValueId value) const {
    Requantizer found{.clips = {}, .quantizer = uses_.sole_reader(value), .levels = {}};
    std::vector<Bounds> bounds;
    while (found.quantizer != kNoNode) {
      const auto own = bounds_of(graph_, graph_.node(found.quantizer));
      if (!own) break;
      bounds.push_back(*own);
      found.clips.push_back(found.quantizer);
      found.quantizer = uses_.sole_reader(graph_.node(found.quantizer).outputs.front());
    }
    const auto levels = levels_of(graph_, found.quantizer);
    const bool all = levels && std::ranges::all_of(bounds, [&](const Bounds& own) {
                       return performs(levels->scale, levels->low, levels->high, own);
                     });
    if (all) found.levels = levels;
    return found;
  }

  /// An operator of quantized values, and the quantizer after it.
  bool fuse_operator(NodeId id) {
    const Node node = graph_.node(id);
    if (!node.domain.empty() || node.outputs.size() != 1) return false;
    const auto& forms = operator_forms();
    const auto form = std::ranges::find(forms, node.op_type, &OperatorForm::op_type);
    if (form == forms.end() || form->operands.size() != node.inputs.size()) return false;
    if (!sums_one_axis(graph_, node)) return false;
    std::vector<LevelRange> operands;
    for (const ValueId input : node.inputs) {
      const auto levels = input == kNoValue ? std::nullopt : operand_levels(input);
      if (!levels) return false;
      operands.push_back(*levels);
    }
    const NodeId quantizer = uses_.sole_reader(node.outputs.front());
    const auto output = levels_of(graph_, quantizer);
    if (!output && form->needs_quantizer) return false;
    Node& fused = graph_.mutable_node(id);
    fused.op_type = form->fused;
    fused.domain = "ompq";
    for (std::size_t i = 0; i < operands.size(); ++i) {
      set_levels(fused, std::string(form->operands[i]), operands[i]);
    }
    fused.attributes["rounds"] = static_cast<std::int64_t>(output.has_value());
    if (output) absorb(id, quantizer, *output);
    return true;
  }

  static void set_levels(Node& node, const std::string& prefix, const LevelRange& levels) {
    node.attributes[prefix + "_scale"] = levels.scale;
    node.attributes[prefix + "_low"] = levels.low;
    node.attributes[prefix + "_high"] = levels.high;
  }

  /// The node computes the quantizer's result.
  void absorb(NodeId id, NodeId quantizer, const LevelRange& output) {
    Node& node = graph_.mutable_node(id);
    set_levels(node, "output", output);
    node.outputs = graph_.node(quantizer).outputs;
    produced_[node.outputs.front()] = output;
    gone_.push_back(quantizer);
  }

  /// The levels of a value that a FakeQuantize or an earlier integer product produces.
  [[nodiscard]] std::optional<LevelRange> levels_read(ValueId value) const {
    const auto found = produced_.find(value);
    return found == produced_.end() ? levels_of(graph_, uses_.producer(value)) : found->second;
  }

  /// The same for an operand, which may be constant.
  [[nodiscard]] std::optional<LevelRange> operand_levels(ValueId value) const {
    const auto levels = levels_read(value);
    return levels ? levels : constant_levels(graph_, uses_.producer(value));
  }

  /// True if the rank of x is known and one that executors have kernels for.
  [[nodiscard]] bool has_kernel(const Node& node) const {
    const auto& shape = graph_.value(node.inputs.front()).shape;
    if (!shape) return false;
    if (node.is("FusedConv")) return shape->size() >= 3 && shape->size() <= 5;
    return shape->size() >= 2;
  }

  Graph& graph_;
  Uses uses_;
  std::map<ValueId, LevelRange> produced_;  ///< by replaced products
  std::vector<NodeId> gone_;
};

/// The multiple of `step` that is `value`, with as few significant bits as possible: float32 rounds
/// the product of a large multiple, so several of them have the same one.
float shortest_multiple(float value, float step) {
  const float nearest = std::nearbyint(value / step);
  constexpr int kMostBits = std::numeric_limits<std::int32_t>::digits;
  for (int dropped = kMostBits; dropped > 0; --dropped) {
    const float multiple = std::ldexp(std::nearbyint(std::ldexp(nearest, -dropped)), dropped);
    if (multiple * step == value) return multiple;
  }
  return nearest;
}

}  // namespace

std::optional<Tensor> multiples_of(const Tensor& bias, const std::vector<float>& steps) {
  if (bias.rank() != 1 || bias.elements() != static_cast<std::int64_t>(steps.size())) {
    return std::nullopt;
  }
  const auto values = bias.data<float>();
  std::vector<float> counts;
  for (std::size_t c = 0; c < steps.size(); ++c) {
    counts.push_back(shortest_multiple(values[c], steps[c]));
    const bool fits =
        std::abs(static_cast<double>(counts.back())) < std::numeric_limits<std::int32_t>::max();
    if (!fits || counts.back() * steps[c] != values[c]) return std::nullopt;
  }
  return Tensor::from(bias.shape(), counts);
}

int fuse_integers(Graph& graph, std::span<const ValueId> keep) {
  return IntegerFuser(graph, keep).run();
}

}  // namespace ompq::graph
