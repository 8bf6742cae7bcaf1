#include "ompq/pipeline/target_rules.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "ompq/onnx_io/importer.h"
#include "ompq/ops/fold.h"

namespace ompq::pipeline {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;

/// Which values depend only on constants, without a DequantizeLinear between them.
class ConstantValues {
 public:
  explicit ConstantValues(const Graph& graph) : graph_(graph) {}

  bool contains(ValueId id) {
    if (id == kNoValue || graph_.is_constant(id)) return true;
    const auto found = known_.find(id);
    if (found != known_.end()) return found->second;
    const graph::NodeId maker = graph_.producer(id);
    bool all = maker != kNoNode && !graph_.node(maker).is("DequantizeLinear");
    if (all) {
      for (const ValueId input : graph_.node(maker).inputs) all = all && contains(input);
    }
    return known_[id] = all;
  }

 private:
  const Graph& graph_;
  std::map<ValueId, bool> known_;
};

/// The type of a value that nodes compute from constants: a Cast's, or that of the first operand.
DataType computed_type(const Graph& graph, ValueId id) {
  constexpr std::int64_t kInt8 = 3;  // of onnx::TensorProto
  constexpr std::int64_t kInt32 = 6;
  while (!graph.is_constant(id)) {
    const Node& node = graph.node(graph.producer(id));
    if (node.is("Cast")) {
      const std::int64_t to = node.int_attribute("to", 0);
      return to == kInt8 ? DataType::Int8 : to == kInt32 ? DataType::Int32 : DataType::Float32;
    }
    id = node.input(0);
  }
  return graph.value(id).constant->type();
}

bool is_quantizer(const Node& node) {
  return node.domain.empty() && (node.is("QuantizeLinear") || node.is("DequantizeLinear"));
}

}  // namespace

Graph graph_for_rules(const std::filesystem::path& file) {
  Graph graph = onnx_io::import_onnx(file);
  graph.sort();
  ConstantValues constants(graph);
  std::vector<ValueId> computed;
  for (const Node& node : graph.nodes()) {
    if (!is_quantizer(node)) continue;
    for (const ValueId operand : node.inputs) {
      if (operand == kNoValue || graph.is_constant(operand)) continue;
      if (constants.contains(operand)) computed.push_back(operand);
    }
  }
  std::ranges::sort(computed);
  const auto repeated = std::ranges::unique(computed);
  computed.erase(repeated.begin(), repeated.end());
  for (const ValueId id : computed) graph.mutable_value(id).type = computed_type(graph, id);
  const std::vector<Tensor> results = ops::evaluate_constants(graph, computed);
  for (std::size_t i = 0; i < computed.size(); ++i) {
    graph.mutable_value(computed[i]).constant = results[i];
  }
  return graph;
}

std::vector<targets::Violation> rule_violations(const std::filesystem::path& file,
                                                const targets::TargetRow& target) {
  return targets::check_rules(graph_for_rules(file), target);
}

}  // namespace ompq::pipeline
