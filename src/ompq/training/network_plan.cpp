#include "ompq/training/network_plan.h"

#include <algorithm>

#include "ompq/graph/operator_traits.h"

namespace ompq::training {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

class Planner {
 public:
  explicit Planner(const PlanRequest& request) : request_(request), graph_(request.graph) {
    for (const ValueId input : graph_.inputs()) made_.insert(input);
  }

  std::vector<PlannedStep> run() {
    for (const ValueId input : graph_.inputs()) quantize(input);
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      if (!done_.contains(id)) plan(id);
    }
    note_last_reads();
    return std::move(steps_);
  }

 private:
  void quantize(ValueId value) {
    if (!request_.quantized.contains(value)) return;
    steps_.push_back({.input = value, .epilogue = {.quantized = true}, .output = value});
  }

  void plan(NodeId id) {
    const Node& node = graph_.node(id);
    PlannedStep step;
    ValueId value = node.outputs.front();
    if (request_.products.contains(id)) {
      step.product = id;
    } else if (const auto bounds = graph::bounds_of(graph_, node)) {
      step.input = node.input(0);
      step.epilogue.min = bounds->low;
      step.epilogue.max = bounds->high;
    } else if (const ValueId other = addend(node, node.input(0)); other != kNoValue) {
      step.input = node.input(0);
      step.epilogue.residual = other;
    } else if (request_.norms.contains(id)) {
      step.input = node.input(0);
    } else {
      plan_other(id);
      return;
    }
    if (const auto norm = request_.norms.find(id); norm != request_.norms.end()) {
      step.epilogue.norm = norm->second;
    }
    step.output = extend(step.epilogue, value);
    finish(std::move(step));
  }

  void plan_other(NodeId id) {
    const Node& node = graph_.node(id);
    steps_.push_back({.other = id, .output = node.outputs.front()});
    for (const ValueId output : node.outputs) {
      made_.insert(output);
      quantize(output);
    }
  }

  /// A quantizer that must not affect a network output is a separate step.
  void finish(PlannedStep step) {
    const ValueId output = step.output;
    made_.insert(output);
    const bool quantized = request_.quantized.contains(output);
    step.epilogue.quantized = quantized && !graph_.is_output(output);
    steps_.push_back(std::move(step));
    if (quantized && graph_.is_output(output)) quantize(output);
  }

  /// Adds single readers of `value` to the epilogue as far as possible. @return the resulting
  /// value.
  ValueId extend(PlannedEpilogue& epilogue, ValueId value) {
    for (;;) {
      const NodeId reader = sole_reader(value);
      const bool bounded = epilogue.min > -std::numeric_limits<float>::infinity() ||
                           epilogue.max < std::numeric_limits<float>::infinity();
      if (reader == kNoNode || bounded) return value;
      const Node& node = graph_.node(reader);
      const ValueId other = addend(node, value);
      if (const auto bounds = graph::bounds_of(graph_, node); bounds && node.input(0) == value) {
        epilogue.min = bounds->low;
        epilogue.max = bounds->high;
      } else if (other != kNoValue && epilogue.residual == kNoValue && made_.contains(other)) {
        epilogue.residual = other;
      } else {
        return value;
      }
      done_.insert(reader);
      value = node.outputs.front();
    }
  }

  [[nodiscard]] NodeId sole_reader(ValueId value) const {
    if (graph_.is_output(value) || request_.quantized.contains(value)) return kNoNode;
    const std::vector<NodeId> readers = graph_.consumers(value);
    return readers.size() == 1 ? readers.front() : kNoNode;
  }

  /// The other operand of an Add of two activations of one shape; kNoValue for any other node.
  [[nodiscard]] ValueId addend(const Node& node, ValueId value) const {
    if (!node.is("Add") || !node.domain.empty() || node.inputs.size() != 2) return kNoValue;
    const ValueId other = node.inputs[0] == value ? node.inputs[1] : node.inputs[0];
    const auto floats = [&](ValueId id) {
      return id != kNoValue && !graph_.is_constant(id) && graph_.value(id).shape &&
             graph_.value(id).type == DataType::Float32;
    };
    if (other == value || !floats(value) || !floats(other)) return kNoValue;
    return *graph_.value(value).shape == *graph_.value(other).shape ? other : kNoValue;
  }

  void note_last_reads() {
    std::set<ValueId> seen(graph_.outputs().begin(), graph_.outputs().end());
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
      std::vector<ValueId> reads{step->input, step->epilogue.residual};
      for (const NodeId id : {step->product, step->other}) {
        if (id == kNoNode) continue;
        const auto& inputs = graph_.node(id).inputs;
        reads.insert(reads.end(), inputs.begin(), inputs.end());
      }
      for (const ValueId value : reads) {
        if (value == kNoValue || graph_.is_constant(value)) continue;
        if (seen.insert(value).second) step->last_read.push_back(value);
      }
    }
  }

  const PlanRequest& request_;
  const Graph& graph_;
  std::vector<PlannedStep> steps_;
  std::set<NodeId> done_;
  std::set<ValueId> made_;
};

}  // namespace

std::vector<PlannedStep> plan_steps(const PlanRequest& request) { return Planner(request).run(); }

}  // namespace ompq::training
