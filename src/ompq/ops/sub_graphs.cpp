#include "ompq/ops/sub_graphs.h"

#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;

const Operator& row_of(const Node& node) {
  const Operator* row = find_operator(node.domain, node.op_type);
  if (row == nullptr) {
    throw InternalError("ops", fmt::format("{} node '{}' has no row", node.op_type, node.name));
  }
  return *row;
}

}  // namespace

std::vector<at::Tensor> run_sub_graph(const Graph& inside, std::span<const at::Tensor> inputs) {
  std::unordered_map<ValueId, at::Tensor> made;
  for (std::size_t i = 0; i < inside.inputs().size(); ++i) made[inside.inputs()[i]] = inputs[i];
  const auto find = [&](ValueId id) -> at::Tensor {
    if (id == kNoValue) return {};
    const auto found = made.find(id);
    if (found != made.end()) return found->second;
    return made[id] = to_aten(inside.value(id).constant.value());
  };
  for (const Node& node : inside.nodes()) {
    std::vector<at::Tensor> operands;
    for (const ValueId id : node.inputs) operands.push_back(find(id));
    const std::vector<at::Tensor> outputs = row_of(node).run({node, inside.opset}, operands);
    for (std::size_t i = 0; i < node.outputs.size() && i < outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) made[node.outputs[i]] = outputs[i];
    }
  }
  std::vector<at::Tensor> results;
  for (const ValueId id : inside.outputs()) results.push_back(find(id));
  return results;
}

}  // namespace ompq::ops
