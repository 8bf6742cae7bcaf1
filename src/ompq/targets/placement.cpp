#include "ompq/targets/placement.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/graph/uses.h"

namespace ompq::targets {
namespace {

using graph::Graph;
using graph::IntegerForm;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr int kOperatorBits = 8;

std::size_t index_of(std::int32_t id) { return static_cast<std::size_t>(id); }

/// Float32 inputs that are not constant: those that a quantized operator reads as codes.
std::vector<ValueId> activations_of(const Graph& graph, const Node& node) {
  std::vector<ValueId> found;
  for (const ValueId id : node.inputs) {
    if (id == kNoValue || graph.is_constant(id)) continue;
    if (graph.value(id).type == DataType::Float32) found.push_back(id);
  }
  return found;
}

bool is_float_constant(const Graph& graph, ValueId id) {
  return id != kNoValue && graph.is_constant(id) && graph.value(id).type == DataType::Float32;
}

bool reads_float_constant(const Graph& graph, const Node& node) {
  return std::ranges::any_of(node.inputs, [&](ValueId id) { return is_float_constant(graph, id); });
}

bool multiplies_activations(const Graph& graph, const Node& node) {
  return node.domain.empty() && node.is("MatMul") && node.outputs.size() == 1 &&
         activations_of(graph, node).size() == 2;
}

/// The order is that of the graph, which is topological.
class Placer {
 public:
  Placer(const Graph& graph,
         const std::vector<graph::Layer>& layers,
         const std::vector<BitWidth>& bits,
         const TargetRow& target)
      : graph_(graph),
        target_(target),
        uses_(graph),
        layers_(layers),
        is_layer_(graph.nodes().size(), false),
        is_product_(graph.nodes().size(), false),
        adds_bias_(graph.nodes().size(), false),
        on_codes_(graph.values().size(), false),
        wanted_(graph.values().size(), false),
        counted_(graph.values().size(), false) {
    for (std::size_t l = 0; l < layers.size(); ++l) add_layer(layers[l], bits[l]);
  }

  Placement inputs_only() { return std::move(places_); }

  Placement with_operators() {
    mark_layers();
    find_products();
    find_codes();
    find_wanted();
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) place(static_cast<NodeId>(n));
    share_widths();
    name_sources();
    return std::move(places_);
  }

  /// Of each Add of a layer's result, the other operand: the layer's kernel adds it.
  Placement with_residuals() {
    mark_layers();
    for (const Node& node : graph_.nodes()) {
      const bool listed = form_of(node) == IntegerForm::Requantizes;
      if (!listed || activations_of(graph_, node).size() != 2) continue;
      const auto& operands = node.inputs;
      // Of two layers, the later one adds.
      const NodeId first = adding_layer(operands[0]);
      const NodeId second = adding_layer(operands[1]);
      if (first == kNoNode && second == kNoNode) continue;
      add(first > second ? operands[1] : operands[0], kNoValue);
    }
    return std::move(places_);
  }

 private:
  void add_layer(const graph::Layer& layer, BitWidth bits) {
    if (layer.activation == kNoValue) return;
    const auto [place, fresh] = places_.emplace(layer.activation, Place{.bits = bits});
    if (!fresh) place->second.bits = std::max(place->second.bits, bits);
    own_widths_.insert_or_assign(layer.activation, place->second.bits);
  }

  void mark_layers() {
    for (const graph::Layer& layer : layers_) {
      const bool integer = layer.activation != kNoValue && has_integer_kernel(graph_, layer);
      if (!integer) continue;
      is_layer_[index_of(layer.node)] = true;
      const NodeId sum = bias_node(layer);
      if (sum != kNoNode) adds_bias_[index_of(sum)] = true;
    }
  }

  /// How the target executes the operator between quantizers.
  [[nodiscard]] IntegerForm form_of(const Node& node) const {
    return target_.form_of(graph_, node);
  }

  /// The layer whose result `value` is, if only one node reads it.
  [[nodiscard]] NodeId adding_layer(ValueId value) const {
    const NodeId maker = graph_.producer(value);
    const bool adds = maker != kNoNode && is_layer_[index_of(maker)] && !graph_.is_output(value) &&
                      uses_.sole_reader(value) != kNoNode;
    return adds ? maker : kNoNode;
  }

  [[nodiscard]] bool quantizes_everything() const { return target_.between == Between::Everything; }

  /// The quantizer that a kernel prescribes for `value`, also after operators that keep it.
  [[nodiscard]] const FixedQuantizer* prescribed(ValueId value) const {
    const NodeId maker = graph_.producer(value);
    if (target_.fixed.empty() || maker == kNoNode) return nullptr;
    const Node& node = graph_.node(maker);
    if (const FixedQuantizer* fixed = target_.fixed_quantizer(node)) return fixed;
    if (form_of(node) != IntegerForm::PassesCodes) return nullptr;
    const auto inputs = activations_of(graph_, node);
    return inputs.empty() || mixes_prescribed(inputs) ? nullptr : prescribed(inputs.front());
  }

  /// True if values cannot have a common quantizer, since kernels prescribe different ones.
  [[nodiscard]] bool mixes_prescribed(const std::vector<ValueId>& values) const {
    if (target_.fixed.empty() || values.size() < 2) return false;
    const FixedQuantizer* first = prescribed(values.front());
    return std::ranges::any_of(values, [&](ValueId id) { return prescribed(id) != first; });
  }

  /// The Add of a MatMul's bias; kNoNode if it has none.
  [[nodiscard]] NodeId bias_node(const graph::Layer& layer) const {
    if (layer.bias == kNoValue || !graph_.node(layer.node).is("MatMul")) return kNoNode;
    const NodeId reader = uses_.sole_reader(graph_.node(layer.node).outputs.front());
    if (reader == kNoNode) return kNoNode;
    const Node& add = graph_.node(reader);
    return std::ranges::count(add.inputs, layer.bias) > 0 ? reader : kNoNode;
  }

  /// The result of a layer, including its bias.
  [[nodiscard]] ValueId result_of(NodeId layer) const {
    const ValueId output = graph_.node(layer).outputs.front();
    const NodeId reader = uses_.sole_reader(output);
    const bool biased = reader != kNoNode && adds_bias_[index_of(reader)];
    return biased ? graph_.node(reader).outputs.front() : output;
  }

  /// MatMuls of two values that integer layers have computed. Others, such as positions times
  /// frequencies, may need more than 8 bits.
  void find_products() {
    std::vector<bool> computed(graph_.values().size(), false);
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const Node& node = graph_.node(static_cast<NodeId>(n));
      const auto known = [&](ValueId id) { return id != kNoValue && computed[index_of(id)]; };
      is_product_[n] = !is_layer_[n] && multiplies_activations(graph_, node) &&
                       std::ranges::all_of(node.inputs, known);
      const bool after = is_layer_[n] || std::ranges::any_of(node.inputs, known);
      for (const ValueId id : node.outputs) {
        if (after && id != kNoValue) computed[index_of(id)] = true;
      }
    }
  }

  /// An operator between layers that may run on codes if its inputs are quantized.
  [[nodiscard]] bool may_run_on_codes(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.outputs.size() != 1 && !node.is("Split")) return false;
    for (const ValueId output : node.outputs) {
      if (output == kNoValue || graph_.value(output).type != DataType::Float32) return false;
    }
    if (adds_bias_[index_of(id)] || !allows_constants(graph_, node)) return false;
    const bool reads_codes =
        graph::traits_of(node).codes_constants && reads_float_constant(graph_, node);
    if (reads_codes && !target_.constants_as_codes) return false;
    switch (form_of(node)) {
      case IntegerForm::Requantizes:
        return true;
      case IntegerForm::PassesCodes: {
        const auto inputs = activations_of(graph_, node);
        if (!target_.shared.empty()) return !inputs.empty() && !mixes_prescribed(inputs);
        return graph::traits_of(node).role != graph::Role::Bound && inputs.size() == 1;
      }
      case IntegerForm::Product:
      case IntegerForm::Float:
        break;
    }
    return false;
  }

  /// Which values can be codes.
  void find_codes() {
    for (const auto& [value, place] : places_) on_codes_[index_of(value)] = true;
    for (const ValueId id : graph_.inputs()) {
      const bool is_float = graph_.value(id).type == DataType::Float32;
      if (quantizes_everything() && is_float) on_codes_[index_of(id)] = true;
    }
    mark_products(on_codes_);
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      const Node& node = graph_.node(id);
      const bool sums = is_layer_[n] || is_product_[n] || adds_bias_[n];
      if (!sums && !may_run_on_codes(id) && !is_clipped_by_quantizer(graph_, node)) continue;
      const bool all = are_codes(is_layer_[n] ? std::vector<ValueId>{node.input(0)}
                                              : activations_of(graph_, node));
      for (const ValueId output : node.outputs) {
        if (all && output != kNoValue) on_codes_[index_of(output)] = true;
      }
    }
  }

  [[nodiscard]] bool are_codes(const std::vector<ValueId>& inputs) const {
    return !inputs.empty() && std::ranges::all_of(inputs, [&](ValueId id) {
      return static_cast<bool>(on_codes_[index_of(id)]);
    });
  }

  void mark_products(std::vector<bool>& values) const {
    for (std::size_t n = 0; n < is_product_.size(); ++n) {
      if (!is_product_[n]) continue;
      for (const ValueId id : graph_.node(static_cast<NodeId>(n)).inputs) {
        values[index_of(id)] = true;
      }
    }
  }

  /// Which values an integer layer reads, directly or through other operators.
  void find_wanted() {
    if (quantizes_everything()) wanted_ = on_codes_;
    for (const auto& [value, place] : places_) wanted_[index_of(value)] = true;
    mark_products(wanted_);
    for (std::size_t n = graph_.nodes().size(); n-- > 0;) {
      const auto id = static_cast<NodeId>(n);
      const Node& node = graph_.node(id);
      if (!may_run_on_codes(id) && !is_clipped_by_quantizer(graph_, node)) continue;
      if (!runs_on_codes(node)) continue;
      for (const ValueId input : activations_of(graph_, node)) wanted_[index_of(input)] = true;
    }
  }

  /// True if all inputs can be codes and an integer layer reads the result.
  [[nodiscard]] bool runs_on_codes(const Node& node) const {
    return are_codes(activations_of(graph_, node)) &&
           std::ranges::any_of(
               node.outputs, [&](ValueId id) { return static_cast<bool>(wanted_[index_of(id)]); });
  }

  [[nodiscard]] ValueId clipped(ValueId value) const {
    return value_after_clipping(graph_, uses_, value);
  }

  /// True for a network output that no node reads.
  [[nodiscard]] bool ends_network(ValueId value) const {
    return graph_.is_output(value) && uses_.readers(value).empty();
  }

  void place(NodeId id) {
    const Node& node = graph_.node(id);
    if (is_product_[index_of(id)]) {
      for (const ValueId input : node.inputs) add(input, kNoValue);
    }
    if (is_layer_[index_of(id)] || is_product_[index_of(id)]) {
      const ValueId output = result_of(id);
      // Without a quantizer after it, ONNX Runtime runs a Conv in float, but not a MatMul or Gemm.
      const bool needed =
          quantizes_everything() || (node.is("Conv") && !ends_network(clipped(output)));
      if (needed || wanted_[index_of(output)]) add(clipped(output), kNoValue);
      return;
    }
    if (!may_run_on_codes(id) || !runs_on_codes(node)) return;
    const auto inputs = activations_of(graph_, node);
    const bool passes = form_of(node) == IntegerForm::PassesCodes;
    for (const ValueId input : inputs) add(input, passes ? inputs.front() : kNoValue);
    for (const ValueId output : node.outputs) {
      if (passes) {
        add(output, inputs.front());
        counted_[index_of(output)] = true;
      } else {
        const FixedQuantizer* fixed = target_.fixed_quantizer(node);
        add(fixed == nullptr ? clipped(output) : output, kNoValue);
        if (fixed != nullptr) places_.at(output).fixed = *fixed;
      }
    }
    if (!passes && node.is("Concat")) join_quantizers(id);
  }

  /// Gives operands that only this Concat reads its result's quantizer: they are copied instead of
  /// looked up, and rounded once instead of twice.
  void join_quantizers(NodeId id) {
    const Node& node = graph_.node(id);
    const ValueId output = node.outputs.front();
    if (!places_.contains(output)) return;  // a clipping follows, with the quantizer after it
    const auto inputs = activations_of(graph_, node);
    if (std::ranges::any_of(inputs, [&](ValueId input) { return prescribed(input) != nullptr; })) {
      return;
    }
    for (const ValueId input : inputs) {
      const bool is_only_here = uses_.sole_reader(input) == id && !graph_.is_output(input) &&
                                graph_.producer(input) != kNoNode && source_of(input) == input;
      if (!is_only_here || !performs_clipping_before(input, node)) continue;
      add(input, output);
      counted_[index_of(input)] = true;  // the result has its numbers
    }
  }

  /// True if the Concat's quantizer performs the clipping that makes `operand`, as one of its own
  /// would: no operand has numbers beyond the bounds.
  [[nodiscard]] bool performs_clipping_before(ValueId operand, const Node& concat) const {
    const auto bounds = graph::bounds_of(graph_, graph_.node(graph_.producer(operand)));
    if (!bounds) return true;
    return std::ranges::all_of(concat.inputs, [&](ValueId input) {
      const auto others = bounds_before(input);
      return others && others->low >= bounds->low && others->high <= bounds->high;
    });
  }

  /// The bounds of the clipping that makes the value, also before operators that keep numbers.
  [[nodiscard]] std::optional<graph::Bounds> bounds_before(ValueId value) const {
    const NodeId maker = graph_.producer(value);
    if (maker == kNoNode) return std::nullopt;
    const Node& node = graph_.node(maker);
    if (const auto bounds = graph::bounds_of(graph_, node)) return bounds;
    const bool passes = graph::integer_form(graph_, node) == IntegerForm::PassesCodes;
    return passes ? bounds_before(node.input(0)) : std::nullopt;
  }

  /// @param same_as  a value with a common quantizer; kNoValue: none.
  void add(ValueId value, ValueId same_as) {
    places_.emplace(value, Place{.bits = BitWidth(kOperatorBits)});
    if (same_as == kNoValue) return;
    const ValueId source = source_of(same_as);
    const ValueId old = source_of(value);
    if (old != source) places_.at(old).same_as = source;
  }

  [[nodiscard]] ValueId source_of(ValueId value) const {
    for (auto found = places_.find(value);
         found != places_.end() && found->second.same_as != kNoValue;
         found = places_.find(value)) {
      value = found->second.same_as;
    }
    return value;
  }

  /// Replaces chains of same_as by their ends, and tells which values count for a range.
  void name_sources() {
    std::map<ValueId, ValueId> sources;
    for (const auto& [value, place] : places_) sources[value] = source_of(value);
    for (auto& [value, place] : places_) {
      const ValueId source = sources.at(value);
      place.same_as = source == value ? kNoValue : source;
      place.has_own_numbers = source != value && !counted_[index_of(value)];
      if (place.fixed) places_.at(source).fixed = place.fixed;
    }
  }

  /// Gives values with the same quantizer the largest width of the layers that read one of them.
  void share_widths() {
    std::map<ValueId, BitWidth> widths;
    for (const auto& [value, bits] : own_widths_) {
      const auto [width, fresh] = widths.emplace(source_of(value), bits);
      if (!fresh) width->second = std::max(width->second, bits);
    }
    for (auto& [value, place] : places_) {
      const auto width = widths.find(source_of(value));
      if (width != widths.end()) place.bits = width->second;
    }
  }

  const Graph& graph_;
  const TargetRow& target_;
  graph::Uses uses_;
  const std::vector<graph::Layer>& layers_;
  std::vector<bool> is_layer_;    ///< by node: layers with an integer kernel
  std::vector<bool> is_product_;  ///< by node: MatMuls of two activations
  std::vector<bool> adds_bias_;   ///< by node: Adds of a MatMul's bias
  std::vector<bool> on_codes_;
  std::vector<bool> wanted_;
  std::vector<bool> counted_;  ///< by value: its numbers are in the range of what it repeats
  Placement places_;
  std::map<ValueId, BitWidth> own_widths_;  ///< of the layers' inputs
};

}  // namespace

bool has_integer_kernel(const Graph& graph, const graph::Layer& layer) {
  const Node& node = graph.node(layer.node);
  if (!node.domain.empty() || layer.stacked_axes > 0) return false;
  if (layer.weight_operand != 1 || layer.input_operand != 0) return false;
  const std::size_t rank = graph.value(layer.weight).constant->rank();
  return graph::integer_channel_axis(node, node.op_type, rank).has_value();
}

bool is_clipped_by_quantizer(const Graph& graph, const Node& node) {
  const auto bounds = graph::bounds_of(graph, node);
  return bounds && bounds->low <= 0.0F && bounds->high >= 0.0F;
}

bool allows_constants(const Graph& graph, const Node& node) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_float_constant(graph, node.inputs[i])) continue;
    // Operators that move numbers have constants as parameters, such as the factors of a Resize.
    const bool parameter = i > 0 && graph::integer_form(graph, node) == IntegerForm::PassesCodes;
    if (parameter) continue;
    if (!graph::traits_of(node).codes_constants) return false;
    if (!fits_codes(node, *graph.value(node.inputs[i]).constant)) return false;
  }
  return true;
}

ValueId value_after_clipping(const Graph& graph, const graph::Uses& uses, ValueId value) {
  while (!graph.is_output(value)) {
    const NodeId reader = uses.sole_reader(value);
    if (reader == kNoNode || !is_clipped_by_quantizer(graph, graph.node(reader))) break;
    value = graph.node(reader).outputs.front();
  }
  return value;
}

bool fits_codes(const Node& node, const Tensor& constant) {
  constexpr float kLargestTerm = 1024.0F;
  constexpr float kRoundedPart = 16.0F;
  constexpr float kCodes = 255.0F;
  const bool divides = node.is("Div");
  const bool scales = divides || node.is("Mul");
  float smallest = std::numeric_limits<float>::infinity();
  float low = 0.0F;
  float high = 0.0F;
  for (const float number : constant.data<float>()) {
    const float value = divides ? 1.0F / number : number;
    if (!std::isfinite(value)) return false;
    low = std::min(low, value);
    high = std::max(high, value);
    if (value != 0.0F) smallest = std::min(smallest, std::abs(value));
  }
  if (constant.elements() == 0) return false;
  const float largest = std::max(-low, high);
  if (!scales) return largest <= kLargestTerm;
  // A single factor is exact.
  return smallest >= largest || smallest >= kRoundedPart * (high - low) / (2.0F * kCodes);
}

std::vector<ConstantOperand> constants_on_codes(const Graph& graph,
                                                const std::function<bool(ValueId)>& is_quantized) {
  const graph::Uses uses(graph);
  std::vector<ConstantOperand> found;
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const auto id = static_cast<NodeId>(n);
    const Node& node = graph.node(id);
    if (!graph::traits_of(node).codes_constants || !reads_float_constant(graph, node)) continue;
    if (graph::integer_form(graph, node) != IntegerForm::Requantizes) continue;
    if (!allows_constants(graph, node)) continue;
    const auto activations = activations_of(graph, node);
    const ValueId result = value_after_clipping(graph, uses, node.outputs.front());
    if (activations.empty() || !is_quantized(result)) continue;
    if (!std::ranges::all_of(activations, is_quantized)) continue;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (is_float_constant(graph, node.inputs[i])) found.push_back({id, i});
    }
  }
  return found;
}

Placement place_quantizers(const Graph& graph,
                           const std::vector<graph::Layer>& layers,
                           const std::vector<BitWidth>& bits,
                           const TargetRow& target) {
  if (layers.size() != bits.size()) {
    throw ConfigError(
        "calibration",
        fmt::format(
            "got {} activation widths for {} layers; give one each", bits.size(), layers.size()));
  }
  Placer placer(graph, layers, bits, target);
  if (!target.integer_kernels) return placer.inputs_only();
  return target.between == Between::Residuals ? placer.with_residuals() : placer.with_operators();
}

}  // namespace ompq::targets
