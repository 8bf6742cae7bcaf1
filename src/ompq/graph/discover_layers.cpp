#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/discover_parts.h"
#include "ompq/graph/passes.h"

namespace ompq::graph {
namespace {

bool could_be_layer(const Node& node) {
  return node.domain.empty() &&
         (node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul"));
}

/// Weights that no layer holds: where they stay, and why.
std::optional<std::string> float_weights(const Graph& graph, const Node& node) {
  if (!node.domain.empty()) return std::nullopt;
  const bool recurrent = node.is("LSTM") || node.is("GRU") || node.is("RNN");
  if (recurrent && graph.is_constant(node.input(1))) return "recurrent weights stay float";
  if (node.has_attribute(kCapturesNote)) return "what its sub-networks hold stays float";
  return std::nullopt;
}

/// Why the operator is no layer; nothing if it is one.
std::optional<std::string> obstacle(const Graph& graph, const Node& node) {
  const bool product = node.is("Gemm") || node.is("MatMul");
  const ValueId weight = node.input(1);
  if (product && graph.is_constant(node.input(0))) return "its constant is the left operand";
  if (product && !graph.is_constant(weight)) return "it multiplies two activations";
  if (!graph.is_constant(weight)) return "its weight is not constant";
  const Tensor& tensor = *graph.value(weight).constant;
  if (tensor.type() != DataType::Float32) {
    return fmt::format("its weight is {}, not float32", name_of(tensor.type()));
  }
  const std::int64_t least = product ? 2 : 3;
  if (tensor.rank() < least || (product && tensor.rank() > least)) {
    return fmt::format("its weight has shape {}", shape_text(tensor.shape()));
  }
  if (tensor.elements() == 0) return "its weight is empty";
  if (node.is("Gemm") && node.int_attribute("transA", 0) != 0) return "its input is transposed";
  return std::nullopt;
}

/// Counts elements per sample, whether the batch is open or fixed.
class SampleSize {
 public:
  explicit SampleSize(const Graph& graph) : graph_(graph) {
    for (const ValueId input : graph.inputs()) {
      const std::optional<Shape>& shape = graph.value(input).shape;
      if (!shape || shape->empty()) continue;
      open_ = open_ || shape->front().times_batch;
      if (!shape->front().times_batch && batch_ == 1) batch_ = shape->front().size;
    }
  }

  [[nodiscard]] std::int64_t elements(ValueId id, const Node& node) const {
    const Value& value = graph_.value(id);
    if (!value.shape) {
      throw ShapeError("graph",
                       fmt::format("the shape of '{}' at {} node '{}' is not known; infer shapes "
                                   "before looking for layers",
                                   value.name,
                                   node.op_type,
                                   node.name));
    }
    std::int64_t count = 1;
    bool batched = false;
    for (const Dim& dim : *value.shape) {
      count *= dim.size;
      batched = batched || dim.times_batch;
    }
    const bool divide = !open_ && !batched && batch_ > 1 && count % batch_ == 0;
    return divide ? count / batch_ : count;
  }

 private:
  const Graph& graph_;
  bool open_ = false;
  std::int64_t batch_ = 1;  // of a graph whose batch is fixed
};

void describe_weight(const Graph& graph, const Node& node, Layer& layer) {
  const std::vector<std::int64_t>& shape = graph.value(layer.weight).constant->shape();
  const auto last = static_cast<std::int64_t>(shape.size()) - 1;
  const bool conv = node.is("Conv") || node.is("ConvTranspose");
  layer.groups = conv ? node.int_attribute("group", 1) : 1;
  if (node.is("ConvTranspose")) layer.weight_axis = 1;
  if (node.is("MatMul")) layer.weight_axis = last;
  if (node.is("Gemm")) layer.weight_axis = node.int_attribute("transB", 0) != 0 ? 0 : 1;
  layer.out_channels = shape[static_cast<std::size_t>(layer.weight_axis)];
  if (node.is("ConvTranspose")) layer.out_channels *= layer.groups;
  layer.weight_count = ompq::element_count(shape);
}

/// Every output element of a Conv, Gemm or MatMul is a sum over the weights of its channel; in a
/// ConvTranspose every input element meets all weights of its own channel.
std::int64_t count_macs(const Graph& graph,
                        const Node& node,
                        const Layer& layer,
                        const SampleSize& size) {
  if (!node.is("ConvTranspose")) {
    return layer.output_elements * (layer.weight_count / layer.out_channels);
  }
  const std::int64_t ins = graph.value(layer.weight).constant->shape()[0];
  return size.elements(layer.input, node) * (layer.weight_count / ins);
}

Layer describe(const Graph& graph,
               NodeId id,
               const LayerFunction& function,
               const SampleSize& size) {
  const Node& node = graph.node(id);
  Layer layer;
  layer.name = node.name;
  layer.op_type = node.op_type;
  layer.node = id;
  layer.input = node.inputs[0];
  layer.weight = node.inputs[1];
  layer.output = node.outputs[0];
  layer.feature = function.feature;
  describe_weight(graph, node, layer);
  const ValueId bias = node.is("MatMul") ? function.bias : node.input(2);
  if (graph.is_constant(bias)) {
    layer.bias = bias;
    layer.bias_count = graph.value(bias).constant->elements();
  }
  layer.output_elements = size.elements(layer.output, node);
  layer.feature_elements = size.elements(layer.feature, node);
  layer.macs = count_macs(graph, node, layer, size);
  const bool folded = node.int_attribute(kFoldedNormAttribute, 0) != 0;
  if (folded || function.has_batch_norm) layer.norm_count = 2 * layer.out_channels;
  return layer;
}

/// True if the network shows what it does about norms, so that nothing was folded before we saw it.
bool has_trace_of_norms(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return node.op_type.ends_with("Normalization") || node.has_attribute(kFoldedNormAttribute);
  });
}

}  // namespace

std::vector<NotQuantizable> discover_layers(Scene& scene) {
  const Graph& graph = scene.graph;
  const SampleSize size(graph);
  std::vector<NotQuantizable> rejected;
  scene.layer_at.assign(graph.nodes().size(), -1);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& node = graph.node(id);
    if (std::optional<std::string> reason = float_weights(graph, node)) {
      rejected.push_back({id, std::move(*reason)});
      continue;
    }
    if (!could_be_layer(node)) continue;
    if (std::optional<std::string> reason = obstacle(graph, node)) {
      rejected.push_back({id, std::move(*reason)});
      continue;
    }
    scene.layer_at[i] = static_cast<LayerId>(scene.layers.size());
    scene.functions.push_back(layer_function(graph, scene.uses, id));
    scene.layers.push_back(describe(graph, id, scene.functions.back(), size));
  }
  if (!has_trace_of_norms(graph)) {
    for (Layer& layer : scene.layers) {
      const bool conv = layer.op_type == "Conv" || layer.op_type == "ConvTranspose";
      const bool biased = layer.bias != kNoValue && !is_fully_connected(layer);
      if (conv && biased) layer.norm_count = 2 * layer.out_channels;
    }
  }
  return rejected;
}

}  // namespace ompq::graph
