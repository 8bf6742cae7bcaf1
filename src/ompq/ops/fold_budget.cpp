#include "ompq/ops/fold_budget.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/facts.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;

/// A loop on constants that runs more nodes is not a way to write a constant.
constexpr std::int64_t kMaxInnerNodes = 100'000;

thread_local FoldBudget* current_budget = nullptr;

/// The facts of actual operands. Their elements are given to shape rules if they are few, as
/// Inference does.
class OperandFacts {
 public:
  explicit OperandFacts(std::span<const at::Tensor> operands) {
    for (const at::Tensor& operand : operands) add(operand);
  }
  [[nodiscard]] Facts facts() const { return facts_; }

 private:
  void add(const at::Tensor& operand) {
    InputFacts& input = facts_.emplace_back();
    if (!operand.defined()) return;
    input.present = true;
    input.type = data_type_of(operand.scalar_type());
    input.shape = graph::fixed_shape(operand.sizes().vec());
    if (operand.numel() > kMaxKnownElements) return;
    input.constant = &constants_.emplace_back(from_aten(operand));
    if (is_float(input.type)) return;
    input.elements.emplace();
    for (const std::int64_t number : input.constant->to_int64s()) {
      input.elements->push_back(Dim::fixed(number));
    }
  }

  std::vector<InputFacts> facts_;
  std::deque<Tensor> constants_;  // whose addresses stay
};

/// What some operators allocate besides their results: lists of positions, and for interpolation a
/// matrix of weights for each axis.
std::int64_t workspace_of(const Node& node, const Shape& from, const Shape& to) {
  const bool resizes = node.is("Resize") || node.is("Upsample");
  if (!resizes && !node.is("Pad")) return 0;
  const bool by_weights = resizes && node.string_attribute("mode", "nearest") != "nearest";
  std::int64_t elements = 0;
  for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i) {
    if (from[i] == to[i]) continue;
    const std::int64_t own = by_weights ? saturated_product(from[i].size, to[i].size) : to[i].size;
    elements = saturated_sum(elements, own);
  }
  return saturated_product(elements, 2 * static_cast<std::int64_t>(sizeof(std::int64_t)));
}

struct Need {
  std::int64_t results = 0;
  std::int64_t workspace = 0;
};

/// By the shapes in the graph; nullopt if they are not inferred.
std::optional<Need> inferred_need(const Graph& graph, const Node& node) {
  Need need;
  for (const ValueId id : node.outputs) {
    if (id == kNoValue) continue;
    const graph::Value& value = graph.value(id);
    if (!value.shape) return std::nullopt;
    need.results = saturated_sum(need.results, bytes_of(value.type, *value.shape));
  }
  if (node.input(0) == kNoValue || node.outputs.empty() || node.outputs[0] == kNoValue) return need;
  const auto& from = graph.value(node.inputs[0]).shape;
  if (from) need.workspace = workspace_of(node, *from, *graph.value(node.outputs[0]).shape);
  return need;
}

/// By the shape rule. Nothing if it does not accept the operands: running the node then fails too.
Need need_of(const OpContext& context, Facts inputs) {
  const Operator* op = find_operator(context.node.domain, context.node.op_type);
  Need need;
  try {
    if (op == nullptr || op->check(context, inputs)) return need;
    const OutputList outputs = op->infer(context, inputs);
    for (const OutputFacts& output : outputs) {
      need.results = saturated_sum(need.results, bytes_of(output.type, output.shape));
    }
    if (!inputs.empty() && !outputs.empty()) {
      need.workspace = workspace_of(context.node, inputs[0].shape, outputs[0].shape);
    }
  } catch (const Error&) {
    return {};
  } catch (const std::logic_error&) {  // a rule that needs what is not known here
    return {};
  }
  return need;
}

std::int64_t constant_bytes(const Graph& graph) {
  std::int64_t bytes = 0;
  for (const graph::Value& value : graph.values()) {
    if (value.constant) {
      bytes = saturated_sum(bytes, static_cast<std::int64_t>(value.constant->bytes().size()));
    }
  }
  return bytes;
}

}  // namespace

at::Tensor without_spare_storage(const at::Tensor& tensor) {
  const bool is_part = tensor.defined() && tensor.storage().nbytes() > 2 * tensor.nbytes();
  return is_part ? tensor.clone() : tensor;
}

std::int64_t bytes_of(DataType type, const Shape& shape) {
  std::int64_t bytes = static_cast<std::int64_t>(size_of(type));
  for (const Dim& extent : shape) {
    if (!extent.is_fixed()) return INT64_MAX;
    bytes = saturated_product(bytes, std::max<std::int64_t>(extent.size, 0));
  }
  return bytes;
}

FoldBudget::FoldBudget(const Graph& graph, std::int64_t kept)
    : source_bytes_(graph.source_bytes > 0 ? graph.source_bytes : constant_bytes(graph) - kept),
      allowed_(allowed_bytes(source_bytes_)),
      held_(kept) {}

bool FoldBudget::fits(std::int64_t bytes) const {
  return saturated_sum(held_, std::max<std::int64_t>(bytes, 0)) <= allowed_;
}

void FoldBudget::require(const Node& node, std::int64_t bytes) {
  if (!fits(bytes)) {
    throw ShapeError(
        "ops",
        fmt::format("{} node '{}': computing the network's constants {}",
                    node.op_type,
                    node.name,
                    over_memory_limit(saturated_sum(held_, bytes),
                                      source_bytes_,
                                      "export the network with a smaller constant there")));
  }
  held_ += bytes;
}

std::int64_t FoldBudget::require(const Graph& graph,
                                 const Node& node,
                                 std::span<const at::Tensor> operands) {
  auto need = inferred_need(graph, node);
  if (!need) need = need_of({node, graph.opset}, OperandFacts(operands).facts());
  require(node, saturated_sum(need->results, need->workspace));
  release(need->workspace);
  return need->results;
}

void FoldBudget::count_inner_node(const OpContext& context) {
  if (++inner_nodes_ <= kMaxInnerNodes) return;
  throw ShapeError("ops",
                   fmt::format("{} node '{}': a loop over constants runs more than {} nodes; "
                               "export the network with the loop's result as a constant",
                               context.node.op_type,
                               context.node.name,
                               kMaxInnerNodes));
}

FoldBudget* FoldBudget::current() { return current_budget; }

FoldBudget::Scope::Scope(FoldBudget& budget) : before_(current_budget) { current_budget = &budget; }

FoldBudget::Scope::~Scope() { current_budget = before_; }

}  // namespace ompq::ops
