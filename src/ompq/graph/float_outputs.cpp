#include <algorithm>
#include <set>

#include "ompq/graph/passes.h"

namespace ompq::graph {
namespace {

/// The float activations from which an integer value is computed, in the order in which they are
/// read.
class FloatSources {
 public:
  explicit FloatSources(const Graph& graph) : graph_(graph) {}

  std::vector<ValueId> of(ValueId value) {
    visit(value);
    return std::move(found_);
  }

 private:
  void visit(ValueId value) {
    const NodeId maker = graph_.producer(value);
    if (maker == kNoNode) return;
    const Node& node = graph_.node(maker);
    // A shape does not depend on the values.
    if (node.is("Shape") || node.is("Size")) return;
    for (const ValueId input : node.inputs) {
      if (input == kNoValue || graph_.is_constant(input) || !seen_.insert(input).second) continue;
      if (graph_.producer(input) == kNoNode) continue;
      if (graph_.value(input).type == DataType::Float32) {
        found_.push_back(input);
      } else {
        visit(input);
      }
    }
  }

  const Graph& graph_;
  std::set<ValueId> seen_;
  std::vector<ValueId> found_;
};

}  // namespace

Graph with_float_outputs(const Graph& graph) {
  std::vector<ValueId> outputs;
  const auto add = [&](ValueId value) {
    if (std::find(outputs.begin(), outputs.end(), value) == outputs.end()) outputs.push_back(value);
  };
  for (const ValueId output : graph.outputs()) {
    const auto sources = graph.value(output).type == DataType::Float32
                             ? std::vector<ValueId>{}
                             : FloatSources(graph).of(output);
    if (sources.empty()) add(output);
    std::for_each(sources.begin(), sources.end(), add);
  }
  Graph result = graph;
  if (outputs == graph.outputs()) return result;
  result.set_outputs(std::move(outputs));
  result.erase_dead_nodes();
  return result;
}

}  // namespace ompq::graph
