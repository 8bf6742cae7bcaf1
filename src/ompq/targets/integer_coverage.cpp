#include "ompq/targets/integer_coverage.h"

#include <algorithm>
#include <map>
#include <utility>

#include "ompq/graph/operator_traits.h"
#include "ompq/graph/uses.h"
#include "ompq/targets/placement.h"

namespace ompq::targets {
namespace {

using graph::Graph;
using graph::IntegerForm;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

std::size_t place_of(std::int32_t id) { return static_cast<std::size_t>(id); }

class CoverageFinder {
 public:
  CoverageFinder(const Graph& graph,
                 const TargetRow& target,
                 const std::function<bool(ValueId)>& is_quantized)
      : graph_(graph),
        uses_(graph),
        target_(target),
        is_quantized_(is_quantized),
        is_integer_(graph.nodes().size(), false),
        before_(graph.values().size(), false),
        after_(graph.values().size(), false) {}

  IntegerCoverage run(const std::vector<graph::Layer>& layers,
                      const std::function<bool(const graph::Layer&)>& has_codes) {
    IntegerCoverage found;
    for (const graph::Layer& layer : layers) {
      if (layer.use == graph::WeightUse::Lookup) continue;
      const bool integer = has_codes(layer) && runs_on_integers(layer);
      if (integer) is_integer_[place_of(layer.node)] = true;
      (integer ? found.integer_layers : found.float_layers).push_back(layer.name);
      if (!integer) float_layer_nodes_.push_back(layer.node);
    }
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      if (multiplies_codes(graph_.node(static_cast<NodeId>(n)))) is_integer_[n] = true;
    }
    find_paths();
    found.float_operators = float_operators();
    return found;
  }

 private:
  [[nodiscard]] bool quantized_later(ValueId value) const {
    return is_quantized_(value_after_clipping(graph_, uses_, value));
  }

  [[nodiscard]] bool runs_on_integers(const graph::Layer& layer) const {
    if (layer.activation == kNoValue || !is_quantized_(layer.activation)) return false;
    if (!has_integer_kernel(graph_, layer)) return false;
    const Node& node = graph_.node(layer.node);
    const bool alone = !node.is("Conv") || target_.between == Between::Residuals;
    return alone || quantized_later(node.outputs.front());
  }

  /// The operands of a node that are computed float32 numbers.
  [[nodiscard]] std::vector<ValueId> operands(const Node& node) const {
    std::vector<ValueId> found;
    for (const ValueId id : node.inputs) {
      if (id == kNoValue || graph_.is_constant(id)) continue;
      if (graph_.value(id).type == DataType::Float32) found.push_back(id);
    }
    return found;
  }

  [[nodiscard]] bool multiplies_codes(const Node& node) const {
    const auto inputs = operands(node);
    return node.domain.empty() && node.is("MatMul") && inputs.size() == 2 &&
           std::ranges::all_of(inputs, is_quantized_);
  }

  /// Which values integer layers have computed, and which they will read.
  void find_paths() {
    const auto marked = [](const std::vector<bool>& values, const std::vector<ValueId>& ids) {
      return std::ranges::any_of(
          ids, [&](ValueId id) { return id != kNoValue && values[place_of(id)]; });
    };
    const auto mark = [](std::vector<bool>& values, const std::vector<ValueId>& ids) {
      for (const ValueId id : ids) {
        if (id != kNoValue) values[place_of(id)] = true;
      }
    };
    const auto& nodes = graph_.nodes();
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      if (is_integer_[n] || marked(after_, nodes[n].inputs)) mark(after_, nodes[n].outputs);
    }
    for (std::size_t n = nodes.size(); n-- > 0;) {
      if (is_integer_[n] || marked(before_, nodes[n].outputs)) mark(before_, nodes[n].inputs);
    }
  }

  [[nodiscard]] bool is_between(const Node& node) const {
    const auto inputs = operands(node);
    const bool after = std::ranges::any_of(
        inputs, [&](ValueId id) { return static_cast<bool>(after_[place_of(id)]); });
    return after && std::ranges::any_of(node.outputs, [&](ValueId id) {
             return id != kNoValue && before_[place_of(id)] &&
                    graph_.value(id).type == DataType::Float32;
           });
  }

  [[nodiscard]] bool runs_on_codes(const Node& node) const {
    const IntegerForm form = target_.form_of(graph_, node);
    if (form == IntegerForm::Float || form == IntegerForm::Product) return false;
    if (!target_.constants_as_codes && operands(node).size() < node.inputs.size()) return false;
    if (!allows_constants(graph_, node) || !std::ranges::all_of(operands(node), is_quantized_)) {
      return false;
    }
    return std::ranges::all_of(node.outputs, [&](ValueId id) { return quantized_later(id); });
  }

  /// Clipping that the quantizer of its result performs.
  [[nodiscard]] bool is_performed(const Node& node) const {
    return is_clipped_by_quantizer(graph_, node) && quantized_later(node.outputs.front());
  }

  [[nodiscard]] std::vector<IntegerCoverage::FloatOperator> float_operators() const {
    std::map<std::string, std::vector<std::string>> by_type;
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const Node& node = graph_.nodes()[n];
      const bool is_layer =
          is_integer_[n] || std::ranges::count(float_layer_nodes_, static_cast<NodeId>(n)) > 0;
      if (is_layer || !is_between(node)) continue;
      if (graph::integer_form(graph_, node) == IntegerForm::PassesCodes) continue;
      if (runs_on_codes(node) || is_performed(node)) continue;
      by_type[node.op_type].push_back(node.name);
    }
    std::vector<IntegerCoverage::FloatOperator> found;
    for (auto& [type, nodes] : by_type) found.push_back({type, std::move(nodes)});
    std::ranges::stable_sort(
        found, [](const auto& a, const auto& b) { return a.nodes.size() > b.nodes.size(); });
    return found;
  }

  const Graph& graph_;
  graph::Uses uses_;
  const TargetRow& target_;
  const std::function<bool(ValueId)>& is_quantized_;
  std::vector<bool> is_integer_;  ///< by node
  std::vector<bool> before_;      ///< by value: an integer layer reads it, directly or not
  std::vector<bool> after_;       ///< by value: computed from the result of an integer layer
  std::vector<NodeId> float_layer_nodes_;
};

}  // namespace

IntegerCoverage integer_coverage(const Graph& graph,
                                 const std::vector<graph::Layer>& layers,
                                 const TargetRow& target,
                                 const std::function<bool(ValueId)>& is_quantized,
                                 const std::function<bool(const graph::Layer&)>& has_codes) {
  return CoverageFinder(graph, target, is_quantized).run(layers, has_codes);
}

}  // namespace ompq::targets
