#include "ompq/pipeline/repeated_constants.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace ompq::pipeline {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// Approximate bytes of a node in a file, without its constants.
constexpr std::int64_t kNodeBytes = 64;

std::int64_t bytes_of(const Graph& graph, ValueId id) {
  return static_cast<std::int64_t>(graph.value(id).constant->bytes().size());
}

class Restoration {
 public:
  Restoration(Graph& graph, const Graph& imported, const std::set<ValueId>& held)
      : graph_(graph), imported_(imported), held_(held) {}

  void run() {
    const auto count = static_cast<ValueId>(imported_.values().size());
    std::vector<ValueId> larger;
    for (ValueId id = 0; id < count; ++id) {
      const bool folded = graph_.is_constant(id) && !imported_.is_constant(id);
      if (!folded || held_.contains(id) || graph_.is_output(id) || !is_read(id)) continue;
      const auto bytes = bytes_before(id);
      if (bytes && *bytes < bytes_of(graph_, id)) larger.push_back(id);
    }
    for (const ValueId id : larger) restore(id);
    if (!larger.empty()) graph_.sort();
  }

 private:
  [[nodiscard]] bool is_read(ValueId id) const { return !graph_.consumers(id).empty(); }

  /// Bytes of the nodes and constants that compute the value, divided among their readers; nullopt
  /// if it depends on other values.
  std::optional<std::int64_t> bytes_before(ValueId id) {
    const auto known = bytes_.find(id);
    if (known != bytes_.end()) return known->second;
    return bytes_[id] = count_bytes(id);
  }

  std::optional<std::int64_t> count_bytes(ValueId id) {
    if (id == kNoValue) return 0;
    if (imported_.is_constant(id)) {
      const auto readers = static_cast<std::int64_t>(imported_.consumers(id).size());
      return bytes_of(imported_, id) / std::max<std::int64_t>(1, readers);
    }
    const NodeId maker = imported_.producer(id);
    if (maker == kNoNode) return std::nullopt;
    std::int64_t sum = kNodeBytes;
    for (const ValueId input : imported_.node(maker).inputs) {
      const auto bytes = bytes_before(input);
      // Such as a shape that only inference knows.
      if (!bytes && !is_leaf(input)) return std::nullopt;
      sum += bytes.value_or(kNodeBytes);
    }
    for (const ValueId output : imported_.node(maker).outputs) {
      if (held_.contains(output) && output != kNoValue) return std::nullopt;
    }
    return sum;
  }

  /// True if it was folded although it depends on non-constant values.
  [[nodiscard]] bool is_leaf(ValueId id) const {
    return id != kNoValue && graph_.is_constant(id) && bytes_of(graph_, id) <= kNodeBytes;
  }

  void restore(ValueId id) {
    if (id == kNoValue || !restored_.insert(id).second) return;
    if (imported_.is_constant(id)) {
      if (!graph_.is_constant(id)) graph_.mutable_value(id).constant = imported_.value(id).constant;
      return;
    }
    if (!bytes_before(id)) return;               // a leaf
    if (graph_.producer(id) != kNoNode) return;  // was never folded
    const Node& node = imported_.node(imported_.producer(id));
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      restored_.insert(output);
      graph_.mutable_value(output).constant.reset();
    }
    graph_.add_node(node);
    for (const ValueId input : node.inputs) restore(input);
  }

  Graph& graph_;
  const Graph& imported_;
  const std::set<ValueId>& held_;
  std::map<ValueId, std::optional<std::int64_t>> bytes_;
  std::set<ValueId> restored_;
};

}  // namespace

void restore_repeated_constants(Graph& graph,
                                const Graph& imported,
                                const std::set<ValueId>& held) {
  Restoration(graph, imported, held).run();
}

}  // namespace ompq::pipeline
