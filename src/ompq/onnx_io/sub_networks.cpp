#include "ompq/onnx_io/sub_networks.h"

#include <algorithm>
#include <map>

namespace ompq::onnx_io {
namespace {

/// Collects names that are read but not defined inside.
class FreeNames {
 public:
  void visit(const onnx::GraphProto& graph, std::set<std::string> made) {
    for (const auto& info : graph.input()) made.insert(info.name());
    for (const auto& tensor : graph.initializer()) made.insert(tensor.name());
    for (const auto& node : graph.node()) made.insert(node.output().begin(), node.output().end());
    for (const auto& node : graph.node()) {
      for (const std::string& name : node.input()) note(name, made);
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_g()) visit(attribute.g(), made);
      }
    }
    for (const auto& info : graph.output()) note(info.name(), made);
  }

  std::vector<std::string> names;

 private:
  void note(const std::string& name, const std::set<std::string>& made) {
    if (name.empty() || made.contains(name) || !seen_.insert(name).second) return;
    names.push_back(name);
  }

  std::set<std::string> seen_;
};

}  // namespace

bool has_read_sub_networks(const onnx::NodeProto& node) {
  const bool onnx = node.domain().empty() || node.domain() == "ai.onnx";
  return onnx && (node.op_type() == "If" || node.op_type() == "Loop" || node.op_type() == "Scan");
}

int own_operands(const onnx::NodeProto& node) {
  if (node.op_type() == "If") return 1;
  for (const auto& attribute : node.attribute()) {
    // The first inputs of a Loop's body are the iteration number and the condition, those of the
    // Loop the trip count and the condition.
    if (attribute.name() == "body") return std::max(attribute.g().input_size(), node.input_size());
  }
  return node.input_size();
}

std::vector<std::string> captured_names(const onnx::NodeProto& node) {
  FreeNames free;
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) free.visit(attribute.g(), {});
  }
  return free.names;
}

std::set<int> live_nodes(const onnx::GraphProto& graph) {
  std::map<std::string, int> maker;
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& output : graph.node(i).output()) maker.emplace(output, i);
  }
  std::set<int> live;
  std::vector<std::string> open;
  for (const auto& info : graph.output()) open.push_back(info.name());
  while (!open.empty()) {
    const auto found = maker.find(open.back());
    open.pop_back();
    if (found == maker.end() || !live.insert(found->second).second) continue;
    const onnx::NodeProto& node = graph.node(found->second);
    open.insert(open.end(), node.input().begin(), node.input().end());
    const std::vector<std::string> captured = captured_names(node);
    open.insert(open.end(), captured.begin(), captured.end());
  }
  return live;
}

}  // namespace ompq::onnx_io
