#include "onnx_graph.h"

#include "fashion_mnist.h"
#include "ompq/core/tensor.h"

namespace ompq::examples {
namespace {

using graph::Attribute;
using graph::Dim;
using graph::Graph;
using graph::Node;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

constexpr float kBatchNormEpsilon = 1e-5F;

/// Converts the plan; each step becomes a node with its name (pooling: two nodes).
class GraphWriter {
 public:
  explicit GraphWriter(const TensorMap& tensors) : tensors_(tensors) {
    graph_.name = "fashion-mnist";
  }

  Graph write(const NetworkPlan& plan) && {
    for (const PlanStep& step : plan) values_.push_back(write_step(step));
    graph_.mark_output(values_.back());
    return std::move(graph_);
  }

 private:
  ValueId write_step(const PlanStep& step) {
    switch (step.kind) {
      case StepKind::Input:
        return graph_.add_input(
            step.name,
            DataType::Float32,
            {Dim::batch(), Dim::fixed(1), Dim::fixed(kImageSide), Dim::fixed(kImageSide)});
      case StepKind::Conv:
        return conv(step);
      case StepKind::BatchNorm:
        return batch_norm(step);
      case StepKind::Relu:
        return node(step, "Relu", inputs(step));
      case StepKind::Relu6:
        return node(step, "Clip", {read(step), bound(0.0F), bound(6.0F)});
      case StepKind::Add:
        return node(step, "Add", inputs(step));
      case StepKind::GlobalAveragePool:
        return global_average(step);
      case StepKind::Linear:
        return linear(step);
    }
    return graph::kNoValue;
  }

  ValueId conv(const PlanStep& step) {
    const std::int64_t pad = step.kernel / 2;
    return node(step,
                "Conv",
                {read(step), constant(step.name + ".weight")},
                {{"dilations", Ints{1, 1}},
                 {"group", step.groups},
                 {"kernel_shape", Ints{step.kernel, step.kernel}},
                 {"pads", Ints{pad, pad, pad, pad}},
                 {"strides", Ints{step.stride, step.stride}}});
  }

  ValueId batch_norm(const PlanStep& step) {
    return node(step,
                "BatchNormalization",
                {read(step),
                 constant(step.name + ".weight"),
                 constant(step.name + ".bias"),
                 constant(step.name + ".running_mean"),
                 constant(step.name + ".running_var")},
                {{"epsilon", kBatchNormEpsilon}});
  }

  ValueId global_average(const PlanStep& step) {
    const ValueId pooled = node(step, "GlobalAveragePool", inputs(step));
    return graph_.add_op({.name = "flatten",
                          .op_type = "Flatten",
                          .inputs = {pooled},
                          .attributes = {{"axis", std::int64_t{1}}}});
  }

  ValueId linear(const PlanStep& step) {
    const ValueId logits = graph_.add_value(
        {.name = "logits", .shape = graph::Shape{Dim::batch(), Dim::fixed(step.out_channels)}});
    graph_.add_node(
        {.name = step.name,
         .op_type = "Gemm",
         .inputs = {read(step), constant(step.name + ".weight"), constant(step.name + ".bias")},
         .outputs = {logits},
         .attributes = {{"transB", std::int64_t{1}}}});
    return logits;
  }

  ValueId node(const PlanStep& step,
               std::string op_type,
               std::vector<ValueId> inputs,
               std::map<std::string, Attribute> attributes = {}) {
    return graph_.add_op({.name = step.name,
                          .op_type = std::move(op_type),
                          .inputs = std::move(inputs),
                          .attributes = std::move(attributes)});
  }

  ValueId read(const PlanStep& step) const { return values_.at(step.inputs.front()); }

  std::vector<ValueId> inputs(const PlanStep& step) const {
    std::vector<ValueId> ids;
    for (const std::size_t from : step.inputs) ids.push_back(values_.at(from));
    return ids;
  }

  ValueId constant(const std::string& name) { return graph_.add_constant(name, tensors_.at(name)); }

  /// The scalar that all Clip nodes share.
  ValueId bound(float value) {
    const std::string name = value == 0.0F ? "relu6.min" : "relu6.max";
    const ValueId known = graph_.find_value(name);
    return known != graph::kNoValue ? known : graph_.add_constant(name, Tensor::scalar(value));
  }

  const TensorMap& tensors_;
  Graph graph_;
  std::vector<ValueId> values_;  ///< by plan step
};

}  // namespace

graph::Graph to_graph(const NetworkPlan& plan, const TensorMap& tensors) {
  return GraphWriter(tensors).write(plan);
}

}  // namespace ompq::examples
