#include "ompq/ops/sub_graphs.h"

#include <cstdint>
#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/fold_budget.h"

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

/// Counts the values of a sub-network, all of which live until it has run, while its node is being
/// folded.
class InnerBytes {
 public:
  InnerBytes() : budget_(FoldBudget::current()) {}
  ~InnerBytes() {
    if (budget_ != nullptr) budget_->release(bytes_);
  }
  InnerBytes(const InnerBytes&) = delete;
  InnerBytes& operator=(const InnerBytes&) = delete;

  void require(const Graph& inside, const Node& node, std::span<const at::Tensor> operands) {
    if (budget_ == nullptr) return;
    budget_->count_inner_node({node, inside.opset});
    bytes_ += budget_->require(inside, node, operands);
  }
  [[nodiscard]] at::Tensor result(const at::Tensor& tensor) const {
    return budget_ == nullptr ? tensor : without_spare_storage(tensor);
  }

 private:
  FoldBudget* budget_;
  std::int64_t bytes_ = 0;
};

}  // namespace

std::vector<at::Tensor> run_sub_graph(const Graph& inside, std::span<const at::Tensor> inputs) {
  std::unordered_map<ValueId, at::Tensor> made;
  InnerBytes folded;
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
    folded.require(inside, node, operands);
    const std::vector<at::Tensor> outputs = row_of(node).run({node, inside.opset}, operands);
    for (std::size_t i = 0; i < node.outputs.size() && i < outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) made[node.outputs[i]] = outputs[i];
    }
  }
  std::vector<at::Tensor> results;
  for (const ValueId id : inside.outputs()) results.push_back(folded.result(find(id)));
  return results;
}

}  // namespace ompq::ops
