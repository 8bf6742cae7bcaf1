#include "ompq/onnx_io/integer_layers.h"

#include <algorithm>
#include <cstdint>

#include "ompq/graph/fuse_integers.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/quant/levels.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;
using quant::QuantizedTensor;

/// The scale of the codes that `value` decodes; kNoValue if it is not a DequantizeLinear with one
/// scale.
ValueId single_scale(const Graph& graph, ValueId value) {
  if (value == kNoValue || graph.producer(value) == kNoNode) return kNoValue;
  const Node& node = graph.node(graph.producer(value));
  if (!node.is("DequantizeLinear") || !node.domain.empty()) return kNoValue;
  const ValueId scale = node.input(1);
  const bool one = graph.is_constant(scale) && graph.value(scale).constant->rank() == 0;
  return one && !graph.is_constant(node.input(0)) ? scale : kNoValue;
}

/// bias[c] = result[c] x (activation x scales[c]); nullopt if an element is no such multiple.
std::optional<std::vector<std::int32_t>> steps_of(const Tensor& bias,
                                                  float activation,
                                                  const std::vector<float>& scales) {
  std::vector<float> steps;
  for (const float scale : scales) steps.push_back(activation * scale);
  const auto counts = graph::multiples_of(bias, steps);
  if (!counts) return std::nullopt;
  const auto floats = counts->data<float>();
  return std::vector<std::int32_t>(floats.begin(), floats.end());
}

/// One layer's weight, to be rewritten for all of its readers or for none.
class LayerRewriter {
 public:
  LayerRewriter(Graph& graph,
                std::string name,
                const QuantizedTensor& weight,
                const KernelForm& form)
      : graph_(graph),
        name_(std::move(name)),
        weight_(weight),
        form_(form),
        value_(graph.find_value(name_)) {}

  std::optional<IntegerWeight> run() {
    auto levels = quant::int8_levels(weight_);
    if (!levels || graph_.is_output(value_)) return std::nullopt;
    scales_ = levels->scale;
    const std::vector<NodeId> readers = graph_.consumers(value_);
    if (readers.empty()) return std::nullopt;
    for (const NodeId reader : readers) {
      if (!accept(reader)) return std::nullopt;
    }
    made_.weight = name_;
    made_.doubled = levels->doubled;
    made_.levels =
        graph_.add_constant(name_ + "_levels", Tensor::from(weight_.shape, levels->levels));
    const auto channels = static_cast<std::int64_t>(scales_.size());
    made_.scale = graph_.add_constant(name_ + "_scale", Tensor::from({channels}, scales_));
    add_dequantizer(readers);
    for (std::size_t i = 0; i < readers.size(); ++i) add_bias(readers[i], steps_[i]);
    for (const NodeId reader : readers) keep_bias_apart(reader);
    return made_;
  }

 private:
  /// True if the node can run on an integer kernel; keeps its bias.
  bool accept(NodeId id) {
    const Node& node = graph_.node(id);
    const quant::Granularity& granularity = weight_.params.granularity;
    const bool first = node.input(1) == value_ && std::ranges::count(node.inputs, value_) == 1;
    const ValueId activation = single_scale(graph_, node.input(0));
    if (!first || activation == kNoValue) return false;
    if (!node.domain.empty() || granularity.stacked > 0) return false;
    const auto axis = graph::integer_channel_axis(node, node.op_type, weight_.shape.size());
    if (axis != granularity.axis) return false;
    const ValueId bias = node.input(2);
    steps_.emplace_back();
    if (bias == kNoValue || form_.float_bias) return true;
    if (!graph_.is_constant(bias)) return false;
    const float scale = graph_.value(activation).constant->data<float>().front();
    auto steps = steps_of(*graph_.value(bias).constant, scale, scales_);
    if (!steps) return false;
    steps_.back() = std::move(*steps);
    return true;
  }

  /// Zeros, one per channel, by a node if that takes fewer bytes.
  ValueId zero_points() {
    constexpr std::int64_t kExpandFrom = 48;
    const auto channels = static_cast<std::int64_t>(scales_.size());
    if (channels < kExpandFrom || form_.plain) {
      return graph_.add_constant(
          name_ + "_zero", Tensor::from({channels}, std::vector<std::int8_t>(scales_.size(), 0)));
    }
    const ValueId zero = graph_.add_constant(name_ + "_zero", Tensor::scalar(std::int8_t{0}));
    const ValueId extent = graph_.add_constant(
        name_ + "_channels", Tensor::from({1}, std::vector<std::int64_t>{channels}));
    const ValueId zeros =
        graph_.add_op({.name = name_ + "_zeros", .op_type = "Expand", .inputs = {zero, extent}});
    graph_.mutable_value(zeros).type = DataType::Int8;
    return zeros;
  }

  void add_dequantizer(const std::vector<NodeId>& readers) {
    std::vector<ValueId> inputs{made_.levels, made_.scale};
    const bool zeros =
        std::ranges::any_of(readers, [&](NodeId reader) { return graph_.node(reader).is("Gemm"); });
    if (zeros) inputs.push_back(zero_points());
    Node node{.name = name_ + "_dq", .op_type = "DequantizeLinear", .inputs = std::move(inputs)};
    node.attributes["axis"] = weight_.params.granularity.axis;
    const ValueId real = graph_.add_op(std::move(node));
    graph_.mutable_value(real).shape = graph_.value(value_).shape;
    for (const NodeId reader : readers) graph_.mutable_node(reader).inputs[1] = real;
  }

  /// ONNX Runtime joins a MatMul of a matrix and the Add of a float bias into a Gemm, which then
  /// has no integer kernel. A Max with one operand between them changes nothing and prevents it.
  void keep_bias_apart(NodeId reader) {
    const Node& product = graph_.node(reader);
    const auto& shape = graph_.value(product.inputs[0]).shape;
    if (form_.plain || !product.is("MatMul") || (shape && shape->size() != 2)) return;
    const ValueId sum = product.outputs.front();
    const std::vector<NodeId> after = graph_.consumers(sum);
    if (after.size() != 1 || graph_.is_output(sum)) return;
    const Node& add = graph_.node(after.front());
    const bool biased = add.is("Add") && std::ranges::any_of(add.inputs, [&](ValueId id) {
                          return graph_.is_constant(id);
                        });
    if (!biased) return;
    const auto extents = graph_.value(sum).shape;
    const ValueId apart = graph_.add_op({.name = {}, .op_type = "Max", .inputs = {sum}});
    graph_.mutable_value(apart).shape = extents;
    std::ranges::replace(graph_.mutable_node(after.front()).inputs, sum, apart);
  }

  /// Activation scale x weight scale of each channel, by a node if that takes fewer bytes.
  ValueId bias_scale(const std::string& name, ValueId activation) {
    const auto channels = static_cast<std::int64_t>(scales_.size());
    if (form_.plain) {
      const float factor = graph_.value(activation).constant->data<float>().front();
      std::vector<float> steps;
      for (const float scale : scales_) steps.push_back(factor * scale);
      return graph_.add_constant(name + "_scale", Tensor::from({channels}, steps));
    }
    const ValueId scale = graph_.add_op(
        {.name = name + "_scale", .op_type = "Mul", .inputs = {activation, made_.scale}});
    graph_.mutable_value(scale).shape = graph::fixed_shape({channels});
    return scale;
  }

  void add_bias(NodeId reader, const std::vector<std::int32_t>& steps) {
    if (steps.empty()) return;
    const std::string name = graph_.value(graph_.node(reader).inputs[2]).name;
    const ValueId activation = single_scale(graph_, graph_.node(reader).inputs[0]);
    const auto channels = static_cast<std::int64_t>(steps.size());
    const ValueId codes = graph_.add_constant(name + "_steps", Tensor::from({channels}, steps));
    const ValueId scale = bias_scale(name, activation);
    Node node{.name = name + "_dq", .op_type = "DequantizeLinear", .inputs = {codes, scale}};
    node.attributes["axis"] = std::int64_t{0};
    const ValueId real = graph_.add_op(std::move(node));
    graph_.mutable_value(real).shape = graph::fixed_shape({channels});
    graph_.mutable_node(reader).inputs[2] = real;
    if (made_.bias == kNoValue) made_.bias = codes;
  }

  Graph& graph_;
  std::string name_;
  const QuantizedTensor& weight_;
  KernelForm form_;
  ValueId value_;
  std::vector<float> scales_;
  std::vector<std::vector<std::int32_t>> steps_;  ///< by reader; empty: no bias
  IntegerWeight made_;
};

}  // namespace

std::vector<IntegerWeight> insert_integer_layers(
    Graph& graph, const std::map<std::string, QuantizedTensor>& weights, const KernelForm& form) {
  std::vector<IntegerWeight> made;
  for (const auto& [name, weight] : weights) {
    if (auto one = LayerRewriter(graph, name, weight, form).run()) made.push_back(std::move(*one));
  }
  if (!made.empty()) graph.sort();
  return made;
}

}  // namespace ompq::onnx_io
