#include "ompq/graph/layer_function.h"

#include "ompq/graph/op_roles.h"

namespace ompq::graph {
namespace {

class Walk {
 public:
  Walk(const Graph& graph, const Uses& uses, NodeId from) : graph_(graph), uses_(uses) {
    function_.nodes = {from};
    at_ = main_output(graph, graph.node(from));
    commit(at_);
    function_.before_add = at_;
    function_.nodes_before_add = 1;
  }

  void past_affine_and_norm() {
    for (bool first = true;; first = false) {
      const NodeId reader = next();
      if (reader == kNoNode) return;
      const Node& node = graph_.node(reader);
      if (is_norm(node, at_)) {
        function_.has_batch_norm = function_.has_batch_norm || node.is("BatchNormalization");
      } else if (is_affine(graph_, node, at_)) {
        if (first && node.is("Add")) note_bias(node);
      } else {
        return;
      }
      take(reader);
    }
  }

  bool past_activation() {
    const NodeId reader = next();
    if (reader != kNoNode && is_activation(graph_, graph_.node(reader), at_)) {
      take(reader);
      const NodeId bound = uses_.sole_reader(at_);
      if (bound != kNoNode && is_bound(graph_, graph_.node(bound), at_)) take(bound);
      return true;
    }
    const std::vector<NodeId> gate = gated_activation(graph_, uses_, at_);
    if (gate.empty()) return false;
    pending_.insert(pending_.end(), gate.begin(), gate.end() - 1);
    take(gate.back());
    return true;
  }

  bool past_residual() {
    const NodeId reader = next();
    if (reader == kNoNode || !is_residual_add(graph_, graph_.node(reader))) return false;
    take(reader);
    function_.residual = reader;
    return true;
  }

  void mark_before_add() {
    function_.before_add = function_.feature;
    function_.nodes_before_add = function_.nodes.size();
  }

  LayerFunction& function() { return function_; }

 private:
  /// Moves past transparent operators with a single reader, without including them until a later
  /// operator belongs to the layer.
  NodeId next() {
    for (;;) {
      const NodeId reader = uses_.sole_reader(at_);
      if (reader == kNoNode || !is_transparent(graph_.node(reader), at_)) return reader;
      pending_.push_back(reader);
      at_ = graph_.node(reader).outputs[0];
    }
  }

  void take(NodeId id) {
    function_.nodes.insert(function_.nodes.end(), pending_.begin(), pending_.end());
    function_.nodes.push_back(id);
    pending_.clear();
    at_ = graph_.node(id).outputs[0];
    commit(at_);
  }

  void commit(ValueId value) { function_.feature = value; }

  void note_bias(const Node& add) {
    const Node& layer = graph_.node(function_.nodes.front());
    if (!layer.is("MatMul")) return;
    const ValueId other = add.inputs[0] == at_ ? add.inputs[1] : add.inputs[0];
    const Tensor& addend = *graph_.value(other).constant;
    const Tensor& weight = *graph_.value(layer.inputs[1]).constant;
    const bool per_channel = addend.rank() >= 1 && addend.shape().back() == addend.elements() &&
                             addend.elements() == weight.shape().back();
    if (per_channel) function_.bias = other;
  }

  const Graph& graph_;
  const Uses& uses_;
  LayerFunction function_;
  ValueId at_ = kNoValue;        // current position of the walk
  std::vector<NodeId> pending_;  // transparent nodes between `feature` and `at_`
};

}  // namespace

ValueId main_output(const Graph& graph, const Node& node) {
  for (const ValueId output : node.outputs) {
    if (output == kNoValue) continue;
    if (graph.is_output(output) || !graph.consumers(output).empty()) return output;
  }
  return node.outputs[0];
}

LayerFunction layer_function(const Graph& graph, const Uses& uses, NodeId layer) {
  Walk walk(graph, uses, layer);
  LayerFunction& function = walk.function();
  walk.past_affine_and_norm();
  function.activated_before_add = function.activated = walk.past_activation();
  walk.mark_before_add();
  if (walk.past_residual()) function.activated = walk.past_activation() || function.activated;
  return std::move(function);
}

std::vector<NodeId> activation_after(const Graph& graph, const Uses& uses, NodeId add) {
  Walk walk(graph, uses, add);
  walk.past_activation();
  std::vector<NodeId>& nodes = walk.function().nodes;
  return {nodes.begin() + 1, nodes.end()};
}

}  // namespace ompq::graph
