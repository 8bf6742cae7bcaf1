#include "ompq/ops/fold.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/allocation_failure.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// The nodes that compute `values`, in topological order.
std::vector<NodeId> nodes_before(const Graph& graph, std::span<const ValueId> values) {
  std::set<NodeId> needed;
  std::vector<ValueId> open(values.begin(), values.end());
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (id == kNoValue || graph.is_constant(id)) continue;
    const NodeId maker = graph.producer(id);
    if (maker == graph::kNoNode) {
      throw InternalError(
          "ops", fmt::format("'{}' does not depend only on constants", graph.value(id).name));
    }
    if (!needed.insert(maker).second) continue;
    const auto& inputs = graph.node(maker).inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return {needed.begin(), needed.end()};
}

std::vector<at::Tensor> run_node(const Graph& graph,
                                 const Node& node,
                                 const std::vector<at::Tensor>& inputs) {
  const Operator* op = find_operator(node.domain, node.op_type);
  if (op == nullptr) {
    throw InternalError("ops", fmt::format("{} node '{}' has no row", node.op_type, node.name));
  }
  const auto fail = [&](std::string_view reason) {
    const std::string where = fmt::format("{} node '{}'", node.op_type, node.name);
    if (const auto failure = allocation_failure(reason, where)) throw OutOfMemory(*failure);
    throw ShapeError(
        "ops", fmt::format("{} node '{}' cannot be computed: {}", node.op_type, node.name, reason));
  };
  try {
    return op->run({node, graph.opset}, inputs);
  } catch (const c10::Error& error) {
    fail(error.what_without_backtrace());
  } catch (const DataError& error) {
    fail(error.reason());
  }
  return {};
}

/// Runs nodes in order, and keeps a result until its last reader.
class Run {
 public:
  Run(const Graph& graph,
      std::span<const NodeId> order,
      std::span<const ValueId> asked,
      FoldBudget& budget)
      : graph_(graph), budget_(budget) {
    for (const ValueId id : asked) ++readers_[id];
    for (const NodeId id : order) {
      for (const ValueId input : graph.node(id).inputs) ++readers_[input];
    }
  }

  ~Run() {
    settle();
    for (const auto& [id, tensor] : made_)
      budget_.release(static_cast<std::int64_t>(tensor.nbytes()));
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void run(const Node& node) {
    std::vector<at::Tensor> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(take(input));
    const std::int64_t bytes = budget_.require(graph_, node, inputs);
    const std::vector<at::Tensor> outputs = run_node(graph_, node, inputs);
    inputs.clear();
    budget_.release(bytes);
    settle();
    for (std::size_t i = 0; i < node.outputs.size() && i < outputs.size(); ++i) {
      if (readers_.contains(node.outputs[i])) keep(node.outputs[i], outputs[i]);
    }
  }

  at::Tensor take(ValueId id) {
    if (id == kNoValue) return {};
    if (graph_.is_constant(id)) return to_aten(*graph_.value(id).constant);
    at::Tensor tensor = made_.at(id);
    if (--readers_[id] == 0) {
      made_.erase(id);
      last_read_ += static_cast<std::int64_t>(tensor.nbytes());
    }
    return tensor;
  }

  /// Called after what take() returned last is freed.
  void settle() { budget_.release(std::exchange(last_read_, 0)); }

 private:
  void keep(ValueId id, const at::Tensor& tensor) {
    budget_.require(graph_.node(graph_.producer(id)), static_cast<std::int64_t>(tensor.nbytes()));
    made_[id] = without_spare_storage(tensor);
  }

  const Graph& graph_;
  FoldBudget& budget_;
  std::unordered_map<ValueId, int> readers_;
  std::unordered_map<ValueId, at::Tensor> made_;
  std::int64_t last_read_ = 0;  ///< bytes of operands that no later node reads
};

}  // namespace

std::vector<Tensor> evaluate_constants(const Graph& graph, std::span<const ValueId> values) {
  FoldBudget budget(graph);
  return evaluate_constants(graph, values, budget);
}

std::vector<Tensor> evaluate_constants(const Graph& graph,
                                       std::span<const ValueId> values,
                                       FoldBudget& budget) {
  const at::NoGradGuard no_grad;
  const FoldBudget::Scope scope(budget);
  const std::vector<NodeId> order = nodes_before(graph, values);
  Run run(graph, order, values, budget);
  std::vector<Tensor> results(values.size());
  const auto collect = [&](std::size_t i) {
    const graph::Value& value = graph.value(values[i]);
    if (value.constant) {
      results[i] = *value.constant;
      return;
    }
    results[i] = from_aten(run.take(values[i]), value.type);
    run.settle();
    budget.require(graph.node(graph.producer(values[i])),
                   static_cast<std::int64_t>(results[i].bytes().size()));
  };
  std::unordered_map<NodeId, std::vector<std::size_t>> asked_of;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (graph.is_constant(values[i])) {
      collect(i);
    } else {
      asked_of[graph.producer(values[i])].push_back(i);
    }
  }
  for (const NodeId id : order) {
    run.run(graph.node(id));
    // Copy at once, so that the table from which it was sliced can be freed.
    for (const std::size_t i : asked_of[id]) collect(i);
  }
  return results;
}

Tensor evaluate_constant(const Graph& graph, ValueId value) {
  return evaluate_constants(graph, {&value, 1}).front();
}

bool is_decoder(const Node& node) {
  return node.domain.empty() && node.is("DequantizeLinear") && node.outputs.size() == 1;
}

std::shared_ptr<const graph::Levels> decoded_levels(const Node& node,
                                                    const Tensor& numbers,
                                                    const Tensor& scale,
                                                    const Tensor& zero_points) {
  if (numbers.type() != DataType::Int8 || scale.rank() != 1) return nullptr;
  const std::vector<float> zeros =
      zero_points.bytes().empty() ? std::vector<float>{} : zero_points.to_floats();
  if (std::ranges::any_of(zeros, [](float zero) { return zero != 0.0F; })) return nullptr;
  const std::int64_t axis = node.int_attribute("axis", 1);
  return std::make_shared<const graph::Levels>(
      graph::Levels{numbers,
                    scale.to_floats(),
                    axis < 0 ? axis + static_cast<std::int64_t>(numbers.rank()) : axis});
}

}  // namespace ompq::ops
