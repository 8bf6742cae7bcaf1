#include "ompq/onnx_io/node_names.h"

#include <fmt/format.h>

namespace ompq::onnx_io {
namespace {

/// The layer's name, derived from its weight's name; "" if the name has none.
std::string stem(const std::string& weight) {
  for (const std::string_view suffix : {".weight", "_weight"}) {
    if (weight.size() > suffix.size() && weight.ends_with(suffix)) {
      return weight.substr(0, weight.size() - suffix.size());
    }
  }
  return "";
}

std::string weight_stem(const graph::Graph& graph, const graph::Node& node) {
  for (const graph::ValueId input : node.inputs) {
    if (!graph.is_constant(input)) continue;
    const std::string found = stem(graph.value(input).name);
    if (!found.empty()) return found;
  }
  return "";
}

}  // namespace

NodeNames::NodeNames(const onnx::GraphProto& graph) {
  for (const auto& node : graph.node()) taken_.insert(node.name());
}

std::string NodeNames::name_for(const graph::Graph& graph, const graph::Node& node) {
  const int number = counts_[node.op_type]++;
  const std::string from_weight = weight_stem(graph, node);
  if (!from_weight.empty()) return take(from_weight);
  return take(fmt::format("{}_{}", node.op_type, number));
}

std::string NodeNames::take(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

}  // namespace ompq::onnx_io
