#include "ompq/targets/placement.h"

#include <algorithm>

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

bool reads_float_constant(const Graph& graph, const Node& node) {
  return std::ranges::any_of(node.inputs, [&](ValueId id) {
    return id != kNoValue && graph.is_constant(id) && graph.value(id).type == DataType::Float32;
  });
}

/// The order is that of the graph, which is topological.
class Placer {
 public:
  Placer(const Graph& graph,
         const std::vector<graph::Layer>& layers,
         const std::vector<BitWidth>& bits)
      : graph_(graph),
        uses_(graph),
        layers_(layers),
        is_layer_(graph.nodes().size(), false),
        on_codes_(graph.values().size(), false),
        wanted_(graph.values().size(), false) {
    for (std::size_t l = 0; l < layers.size(); ++l) add_layer(layers[l], bits[l]);
  }

  Placement inputs_only() { return std::move(places_); }

  Placement with_operators() {
    for (const graph::Layer& layer : layers_) {
      const bool integer = layer.activation != kNoValue && has_integer_kernel(graph_, layer);
      if (integer) is_layer_[index_of(layer.node)] = true;
    }
    find_codes();
    find_wanted();
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) place(static_cast<NodeId>(n));
    share_widths();
    return std::move(places_);
  }

 private:
  void add_layer(const graph::Layer& layer, BitWidth bits) {
    if (layer.activation == kNoValue) return;
    const auto [place, fresh] = places_.emplace(layer.activation, Place{.bits = bits});
    if (!fresh) place->second.bits = std::max(place->second.bits, bits);
    own_widths_.insert_or_assign(layer.activation, place->second.bits);
  }

  /// An operator between layers that may run on codes if its inputs are quantized.
  [[nodiscard]] bool may_run_on_codes(const Node& node) const {
    const graph::OperatorTraits& traits = graph::traits_of(node);
    if (node.outputs.size() != 1 && !node.is("Split")) return false;
    for (const ValueId id : node.outputs) {
      if (id == kNoValue || graph_.value(id).type != DataType::Float32) return false;
    }
    if (reads_float_constant(graph_, node)) return false;
    switch (traits.integer) {
      case IntegerForm::Requantizes:
        return true;
      case IntegerForm::PassesCodes:
        return traits.role != graph::Role::Bound && activations_of(graph_, node).size() == 1;
      case IntegerForm::Product:
        return node.is("MatMul");  // of two activations
      case IntegerForm::Float:
        break;
    }
    return false;
  }

  /// Which values can be codes.
  void find_codes() {
    for (const auto& [value, place] : places_) on_codes_[index_of(value)] = true;
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const Node& node = graph_.node(static_cast<NodeId>(n));
      if (!is_layer_[n] && !may_run_on_codes(node) && !is_clipped_by_quantizer(graph_, node)) {
        continue;
      }
      const auto inputs =
          is_layer_[n] ? std::vector<ValueId>{node.input(0)} : activations_of(graph_, node);
      const bool all = !inputs.empty() && std::ranges::all_of(inputs, [&](ValueId id) {
        return static_cast<bool>(on_codes_[index_of(id)]);
      });
      for (const ValueId id : node.outputs) {
        if (all && id != kNoValue) on_codes_[index_of(id)] = true;
      }
    }
  }

  /// Which values an integer layer reads, directly or through other operators.
  void find_wanted() {
    for (const auto& [value, place] : places_) wanted_[index_of(value)] = true;
    for (std::size_t n = graph_.nodes().size(); n-- > 0;) {
      const Node& node = graph_.node(static_cast<NodeId>(n));
      if (!may_run_on_codes(node) && !is_clipped_by_quantizer(graph_, node)) continue;
      if (!runs_on_codes(node)) continue;
      for (const ValueId id : activations_of(graph_, node)) wanted_[index_of(id)] = true;
    }
  }

  /// True if all inputs can be codes and an integer layer reads the result.
  [[nodiscard]] bool runs_on_codes(const Node& node) const {
    const auto inputs = activations_of(graph_, node);
    const bool all = !inputs.empty() && std::ranges::all_of(inputs, [&](ValueId id) {
      return static_cast<bool>(on_codes_[index_of(id)]);
    });
    return all && std::ranges::any_of(node.outputs, [&](ValueId id) {
             return static_cast<bool>(wanted_[index_of(id)]);
           });
  }

  /// The value after the clipping that a quantizer of `value` would perform.
  [[nodiscard]] ValueId clipped(ValueId value) const {
    while (!graph_.is_output(value)) {
      const NodeId reader = uses_.sole_reader(value);
      if (reader == kNoNode || !is_clipped_by_quantizer(graph_, graph_.node(reader))) break;
      value = graph_.node(reader).outputs.front();
    }
    return value;
  }

  /// True for a network output that no node reads.
  [[nodiscard]] bool ends_network(ValueId value) const {
    return graph_.is_output(value) && uses_.readers(value).empty();
  }

  void place(NodeId id) {
    const Node& node = graph_.node(id);
    if (is_layer_[index_of(id)]) {
      const ValueId output = node.outputs.front();
      // Without a quantizer after it, ONNX Runtime runs a Conv in float, but not a MatMul or Gemm.
      const bool needed = node.is("Conv") && !ends_network(clipped(output));
      if (needed || wanted_[index_of(output)]) add(clipped(output), kNoValue);
      return;
    }
    if (!may_run_on_codes(node) || !runs_on_codes(node)) return;
    const auto inputs = activations_of(graph_, node);
    for (const ValueId input : inputs) add(input, kNoValue);
    const bool passes = graph::traits_of(node).integer == IntegerForm::PassesCodes;
    for (const ValueId output : node.outputs) {
      if (passes) {
        add(output, inputs.front());
      } else {
        add(clipped(output), kNoValue);
      }
    }
  }

  void add(ValueId value, ValueId same_as) {
    Place& place = places_.emplace(value, Place{.bits = BitWidth(kOperatorBits)}).first->second;
    if (same_as != kNoValue) place.same_as = source_of(same_as);
  }

  [[nodiscard]] ValueId source_of(ValueId value) const {
    const auto found = places_.find(value);
    return found == places_.end() || found->second.same_as == kNoValue ? value
                                                                       : found->second.same_as;
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
  graph::Uses uses_;
  const std::vector<graph::Layer>& layers_;
  std::vector<bool> is_layer_;  ///< by node: layers with an integer kernel
  std::vector<bool> on_codes_;
  std::vector<bool> wanted_;
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
  Placer placer(graph, layers, bits);
  return target.integer_kernels ? placer.with_operators() : placer.inputs_only();
}

}  // namespace ompq::targets
