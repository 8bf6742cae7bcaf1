#include "support/graph_difference.h"

#include <fmt/format.h>

namespace ompq::testing {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

std::string name_of(const Graph& graph, ValueId id) {
  return id == graph::kNoValue ? "" : graph.value(id).name;
}

struct AttributeEquality {
  template <typename Left, typename Right>
  bool operator()(const Left& left, const Right& right) const {
    if constexpr (!std::is_same_v<Left, Right>) {
      return false;
    } else if constexpr (std::is_same_v<Left, Tensor>) {
      return left.equals(right);
    } else if constexpr (std::is_same_v<Left, graph::SubGraph>) {
      return difference(*left, *right).empty();
    } else {
      return left == right;
    }
  }
};

std::string attribute_difference(const Node& left, const Node& right) {
  if (left.attributes.size() != right.attributes.size()) {
    return fmt::format("{} against {} attributes", left.attributes.size(), right.attributes.size());
  }
  for (const auto& [name, value] : left.attributes) {
    const auto other = right.attributes.find(name);
    if (other == right.attributes.end()) return fmt::format("attribute '{}' is missing", name);
    if (!std::visit(AttributeEquality{}, value, other->second)) {
      return fmt::format("attribute '{}' differs", name);
    }
  }
  return "";
}

std::string value_difference(const Graph& left, ValueId l, const Graph& right, ValueId r) {
  if (name_of(left, l) != name_of(right, r)) {
    return fmt::format("'{}' against '{}'", name_of(left, l), name_of(right, r));
  }
  if (left.is_constant(l) != right.is_constant(r)) {
    return fmt::format("'{}' is constant in only one", name_of(left, l));
  }
  if (left.is_constant(l) && !left.value(l).constant->equals(*right.value(r).constant)) {
    return fmt::format("constant '{}' differs", name_of(left, l));
  }
  return "";
}

std::string list_difference(const Graph& left,
                            const std::vector<ValueId>& l,
                            const Graph& right,
                            const std::vector<ValueId>& r) {
  if (l.size() != r.size()) return fmt::format("{} against {} values", l.size(), r.size());
  for (std::size_t i = 0; i < l.size(); ++i) {
    const std::string found = value_difference(left, l[i], right, r[i]);
    if (!found.empty()) return fmt::format("place {}: {}", i, found);
  }
  return "";
}

std::string node_difference(const Graph& left, const Node& l, const Graph& right, const Node& r) {
  if (l.name != r.name) return fmt::format("is named '{}' against '{}'", l.name, r.name);
  if (l.op_type != r.op_type || l.domain != r.domain) {
    return fmt::format("is '{}.{}' against '{}.{}'", l.domain, l.op_type, r.domain, r.op_type);
  }
  std::string found = list_difference(left, l.inputs, right, r.inputs);
  if (!found.empty()) return "inputs, " + found;
  found = list_difference(left, l.outputs, right, r.outputs);
  if (!found.empty()) return "outputs, " + found;
  return attribute_difference(l, r);
}

std::string edge_difference(const Graph& left,
                            const std::vector<ValueId>& l,
                            const Graph& right,
                            const std::vector<ValueId>& r) {
  const std::string found = list_difference(left, l, right, r);
  if (!found.empty()) return found;
  for (std::size_t i = 0; i < l.size(); ++i) {
    if (left.value(l[i]).type != right.value(r[i]).type) return fmt::format("type of place {}", i);
    if (left.value(l[i]).shape != right.value(r[i]).shape) {
      return fmt::format("shape of place {}", i);
    }
  }
  return "";
}

}  // namespace

std::string difference(const Graph& left, const Graph& right) {
  if (left.name != right.name) return fmt::format("name {} / {}", left.name, right.name);
  if (left.opset != right.opset) return fmt::format("opset {} / {}", left.opset, right.opset);
  if (left.metadata != right.metadata) return "metadata";
  std::string found = edge_difference(left, left.inputs(), right, right.inputs());
  if (!found.empty()) return "network inputs: " + found;
  found = edge_difference(left, left.outputs(), right, right.outputs());
  if (!found.empty()) return "network outputs: " + found;
  if (left.nodes().size() != right.nodes().size()) {
    return fmt::format("{} against {} nodes", left.nodes().size(), right.nodes().size());
  }
  for (std::size_t i = 0; i < left.nodes().size(); ++i) {
    found = node_difference(left, left.nodes()[i], right, right.nodes()[i]);
    if (!found.empty()) return fmt::format("node {} '{}': {}", i, left.nodes()[i].name, found);
  }
  return "";
}

}  // namespace ompq::testing
