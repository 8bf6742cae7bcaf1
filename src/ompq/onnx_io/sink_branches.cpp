#include "ompq/onnx_io/sink_branches.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace ompq::onnx_io {
namespace {

using Names = std::set<std::string>;

/// All names that `graph` reads, including its own values.
void add_names_read(const onnx::GraphProto& graph, Names& names) {
  for (const auto& output : graph.output()) names.insert(output.name());
  for (const auto& node : graph.node()) {
    names.insert(node.input().begin(), node.input().end());
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) add_names_read(attribute.g(), names);
    }
  }
}

/// All names that `node` reads, except those of its attribute `except`.
Names names_read(const onnx::NodeProto& node, std::string_view except = {}) {
  Names names(node.input().begin(), node.input().end());
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g() && attribute.name() != except) add_names_read(attribute.g(), names);
  }
  return names;
}

class BranchSinker {
 public:
  BranchSinker(onnx::GraphProto& graph, int choice, std::string_view branch)
      : graph_(graph), choice_(choice), branch_(branch) {
    for (const auto& tensor : graph.initializer()) constants_.insert(tensor.name());
    for (const auto& output : graph.output()) needed_.insert(output.name());
  }

  void run() {
    find_constants();
    const int count = graph_.node_size();
    std::vector<bool> sinks(static_cast<std::size_t>(count), false);
    for (int n = count - 1; n >= 0; --n) {
      const onnx::NodeProto& node = graph_.node(n);
      if (n == choice_) {
        needed_.merge(names_read(node, branch_));
        continue;
      }
      // Nodes after the If are not part of a branch.
      const bool outside = n > choice_ || is_constant(node) ||
                           std::ranges::any_of(node.output(), [&](const std::string& output) {
                             return needed_.contains(output);
                           });
      if (outside) {
        needed_.merge(names_read(node));
      } else {
        sinks[static_cast<std::size_t>(n)] = true;
      }
    }
    move(sinks);
  }

 private:
  bool is_constant(const onnx::NodeProto& node) const {
    const Names read = names_read(node);
    return std::ranges::all_of(
        read, [&](const std::string& name) { return name.empty() || constants_.contains(name); });
  }

  void find_constants() {
    for (const auto& node : graph_.node()) {
      if (is_constant(node)) constants_.insert(node.output().begin(), node.output().end());
    }
  }

  void move(const std::vector<bool>& sinks) {
    std::vector<onnx::NodeProto> inside;
    std::vector<onnx::NodeProto> outside;
    for (std::size_t n = 0; n < sinks.size(); ++n) {
      onnx::NodeProto& node = *graph_.mutable_node(static_cast<int>(n));
      (sinks[n] ? inside : outside).push_back(std::move(node));
    }
    const auto at = static_cast<std::size_t>(choice_) - inside.size();
    for (auto& attribute : *outside.at(at).mutable_attribute()) {
      if (attribute.name() != branch_) continue;
      auto& nodes = *attribute.mutable_g()->mutable_node();
      for (auto& node : nodes) inside.push_back(std::move(node));
      nodes.Clear();
      for (auto& node : inside) nodes.Add(std::move(node));
    }
    graph_.clear_node();
    for (auto& node : outside) graph_.mutable_node()->Add(std::move(node));
  }

  onnx::GraphProto& graph_;
  int choice_;
  std::string_view branch_;
  Names constants_;
  Names needed_;  ///< names read outside of the branch
};

int place_of(const onnx::GraphProto& graph, const std::string& output) {
  const auto& nodes = graph.node();
  const auto found = std::ranges::find_if(nodes, [&](const onnx::NodeProto& node) {
    return std::ranges::count(node.output(), output) > 0;
  });
  return static_cast<int>(found - nodes.begin());
}

}  // namespace

void sink_branches(onnx::GraphProto& graph, const std::vector<TakenBranch>& taken) {
  // Last to first: the moved nodes may include another If.
  for (auto branch = taken.rbegin(); branch != taken.rend(); ++branch) {
    const int place = place_of(graph, branch->output);
    if (place == graph.node_size()) continue;
    BranchSinker(graph, place, branch->condition ? "then_branch" : "else_branch").run();
  }
}

}  // namespace ompq::onnx_io
