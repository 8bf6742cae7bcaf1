#include <algorithm>
#include <optional>
#include <set>
#include <span>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/graph/discover_parts.h"
#include "ompq/graph/passes.h"
#include "ompq/graph/weight_slots.h"

namespace ompq::graph {
namespace {

/// Why weights of the node stay float; nullopt if all its weights are layers.
std::optional<std::string> float_weights(const Node& node) {
  if (node.has_attribute(kCapturesNote)) return "its sub-networks stay float";
  return std::nullopt;
}

using Tables = std::set<ValueId>;

/// The tables of embeddings.
Tables embedding_tables(const Graph& graph) {
  Tables tables;
  for (const Node& node : graph.nodes()) {
    if (is_embedding(graph, node)) tables.insert(node.inputs[0]);
  }
  return tables;
}

/// The embedding table that the product reads as weight, if a table row is not an output channel;
/// nullopt otherwise.
ValueId turned_table(const Graph& graph, ValueId weight, std::int64_t axis, const Tables& tables) {
  if (weight == kNoValue) return kNoValue;
  if (tables.contains(weight)) return axis == 0 ? kNoValue : weight;
  const NodeId maker = graph.producer(weight);
  if (maker == kNoNode || !graph.node(maker).has_attribute(kTurnedTableNote)) return kNoValue;
  return graph.node(maker).inputs[0];
}

std::int64_t min_rank(WeightUse use) {
  return use == WeightUse::Convolution || use == WeightUse::Recurrent ? 3 : 2;
}

/// Why the operand is not a layer's weight; nullopt if it is one.
std::optional<std::string> not_a_layer_reason(const Graph& graph,
                                              const Node& node,
                                              const WeightSlot& slot,
                                              const Tables& tables) {
  const bool product = slot.use == WeightUse::Product;
  const ValueId weight = node.input(slot.operand);
  if (product && graph.is_constant(node.input(0))) return "its constant is the left operand";
  const ValueId table = turned_table(graph, weight, slot.axis, tables);
  if (product && table != kNoValue) {
    return fmt::format("its weight is the table '{}' of an embedding, and has that layer's bits",
                       graph.value(table).name);
  }
  if (product && !graph.is_constant(weight)) return "it multiplies two activations";
  if (!graph.is_constant(weight)) return "its weight is not constant";
  const Tensor& tensor = *graph.value(weight).constant;
  if (tensor.type() != DataType::Float32) {
    return fmt::format("its weight is {}, not float32", name_of(tensor.type()));
  }
  const std::int64_t min = min_rank(slot.use);
  if (tensor.rank() < min || (node.is("Gemm") && tensor.rank() > min)) {
    return fmt::format("its weight has shape {}", shape_text(tensor.shape()));
  }
  if (tensor.elements() == 0) return "its weight is empty";
  if (node.is("Gemm") && node.int_attribute("transA", 0) != 0) return "its input is transposed";
  return std::nullopt;
}

/// Counts elements per sample, for open and fixed batches.
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
      count = saturated_product(count, dim.size);
      batched = batched || dim.times_batch;
    }
    const bool divide = !open_ && !batched && batch_ > 1 && count % batch_ == 0;
    return divide ? count / batch_ : count;
  }

 private:
  const Graph& graph_;
  bool open_ = false;
  std::int64_t batch_ = 1;  // the batch size, if it is fixed
};

/// The axis of a product's weight that is summed over.
std::size_t product_axis(const Node& node, const std::vector<std::int64_t>& weight) {
  return node.int_attribute("transB", 0) != 0 ? 1 : weight.size() - 2;
}

void describe_weight(const Graph& graph, const Node& node, const WeightSlot& slot, Layer& layer) {
  const std::vector<std::int64_t>& shape = graph.value(layer.weight).constant->shape();
  layer.groups = slot.use == WeightUse::Convolution ? node.int_attribute("group", 1) : 1;
  layer.weight_axis = slot.axis;
  layer.stacked_axes = slot.stacked;
  const auto stacked = static_cast<std::size_t>(slot.stacked);
  layer.out_channels = shape[static_cast<std::size_t>(slot.axis)] *
                       ompq::element_count(std::span(shape).first(stacked));
  if (node.is("ConvTranspose")) layer.out_channels *= layer.groups;
  layer.weight_count = ompq::element_count(shape);
}

/// Steps of a recurrent operator for one sample; [steps, batch, features] or, by attribute, [batch,
/// steps, features].
std::int64_t steps_of(const Graph& graph, const Node& node) {
  const auto& shape = graph.value(node.inputs[0]).shape;
  const std::size_t axis = node.int_attribute("layout", 0) != 0 ? 1 : 0;
  return shape && shape->size() > axis ? (*shape)[axis].size : 1;
}

/// MACs per sample. Every output element of a Conv, Gemm or MatMul is a sum over the weights of its
/// channel; in a ConvTranspose every input element is multiplied with all weights of its channel,
/// in a recurrent operator every step uses all weights, and an embedding has no multiplications.
std::int64_t count_macs(const Graph& graph,
                        const Node& node,
                        const Layer& layer,
                        WeightUse use,
                        const SampleSize& size) {
  const std::vector<std::int64_t>& shape = graph.value(layer.weight).constant->shape();
  if (use == WeightUse::Lookup) return 0;
  if (use == WeightUse::Recurrent) {
    return saturated_product(steps_of(graph, node), layer.weight_count);
  }
  if (use == WeightUse::Product) {
    return saturated_product(layer.output_elements, shape[product_axis(node, shape)]);
  }
  if (node.is("ConvTranspose")) {
    return saturated_product(size.elements(layer.input, node), layer.weight_count / shape[0]);
  }
  return saturated_product(layer.output_elements, layer.weight_count / layer.out_channels);
}

/// The bias of the layer.
void describe_bias(const Graph& graph,
                   const Node& node,
                   const WeightSlot& slot,
                   const LayerFunction& function,
                   Layer& layer) {
  constexpr std::size_t kRecurrentBias = 3;
  const bool recurrent = slot.use == WeightUse::Recurrent;
  if (slot.use == WeightUse::Lookup || (recurrent && slot.operand != 1)) return;
  const ValueId bias = recurrent           ? node.input(kRecurrentBias)
                       : node.is("MatMul") ? function.bias
                                           : node.input(2);
  if (!graph.is_constant(bias)) return;
  // The bias of a recurrent operator, or one shared by the matrices of a stack, is not changed.
  if (!recurrent && slot.stacked == 0) layer.bias = bias;
  layer.bias_count = graph.value(bias).constant->elements();
}

Layer describe(const Graph& graph,
               NodeId id,
               const WeightSlot& slot,
               const LayerFunction& function,
               const SampleSize& size) {
  const Node& node = graph.node(id);
  Layer layer;
  layer.name = node.name + std::string(slot.suffix);
  layer.node_name = node.name;
  layer.op_type = node.op_type;
  layer.node = id;
  layer.use = slot.use;
  layer.input = node.inputs[slot.input];
  layer.input_operand = slot.input;
  const bool quantized = slot.use == WeightUse::Convolution || slot.use == WeightUse::Product;
  if (quantized) layer.activation = layer.input;
  layer.weight = node.inputs[slot.operand];
  layer.weight_operand = slot.operand;
  layer.output = main_output(graph, node);
  layer.feature = function.feature;
  describe_weight(graph, node, slot, layer);
  describe_bias(graph, node, slot, function, layer);
  layer.output_elements = size.elements(layer.output, node);
  layer.feature_elements = size.elements(layer.feature, node);
  layer.macs = count_macs(graph, node, layer, slot.use, size);
  const bool folded = node.int_attribute(kFoldedNormAttribute, 0) != 0;
  if (folded || function.has_batch_norm) layer.norm_count = 2 * layer.out_channels;
  return layer;
}

/// True if the graph has traces of norms, so its exporter did not fold them.
bool has_trace_of_norms(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return node.op_type.ends_with("Normalization") || node.has_attribute(kFoldedNormAttribute);
  });
}

}  // namespace

std::vector<NotQuantizable> discover_layers(Scene& scene) {
  const Graph& graph = scene.graph;
  const SampleSize size(graph);
  const Tables tables = embedding_tables(graph);
  std::vector<NotQuantizable> rejected;
  scene.layer_at.assign(graph.nodes().size(), -1);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& node = graph.node(id);
    if (std::optional<std::string> reason = float_weights(node)) {
      rejected.push_back({id, std::move(*reason)});
      continue;
    }
    if (node.is("Gather") && !is_embedding(graph, node)) continue;
    for (const WeightSlot& slot : weight_slots(graph, node)) {
      if (std::optional<std::string> reason = not_a_layer_reason(graph, node, slot, tables)) {
        rejected.push_back({id, std::move(*reason)});
        break;
      }
      if (scene.layer_at[i] < 0) scene.layer_at[i] = static_cast<LayerId>(scene.layers.size());
      scene.functions.push_back(layer_function(graph, scene.uses, id));
      scene.layers.push_back(describe(graph, id, slot, scene.functions.back(), size));
    }
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
