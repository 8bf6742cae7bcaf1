#include "ompq/sensitivity/gradient_network.h"

#include <cstring>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"

namespace ompq::sensitivity {
namespace {

using graph::Graph;
using graph::ValueId;

constexpr std::int64_t kSamplesAtOnce = 2;
constexpr int kBoundsAreInputs = 11;  ///< the opset since which Clip reads its bounds

/// The constant upper bound of a Clip from zero, as a value; kNoValue for any other Clip.
ValueId bound_of_rectifier(Graph& graph, const graph::Node& clip) {
  if (graph.opset < kBoundsAreInputs) {
    if (clip.float_attribute("min", -1.0F) != 0.0F || !clip.has_attribute("max")) {
      return graph::kNoValue;
    }
    return graph.add_constant("", Tensor::scalar(clip.float_attribute("max", 0.0F)));
  }
  const auto constant = [&](std::size_t input) -> const Tensor* {
    const ValueId id = clip.input(input);
    if (id == graph::kNoValue || !graph.is_constant(id)) return nullptr;
    const Tensor& tensor = *graph.value(id).constant;
    return tensor.type() == DataType::Float32 && tensor.elements() == 1 ? &tensor : nullptr;
  };
  const Tensor* low = constant(1);
  if (low == nullptr || low->data<float>().front() != 0.0F) return graph::kNoValue;
  return constant(2) == nullptr ? graph::kNoValue : clip.input(2);
}

/// Clip(x, 0, c) as Relu(x) - Relu(x - c): the same function, but LibTorch's gradient of a clamp
/// takes several times as long as those of two rectifiers.
Graph with_fast_gradients(Graph graph) {
  const auto count = static_cast<graph::NodeId>(graph.nodes().size());
  for (graph::NodeId id = 0; id < count; ++id) {
    const graph::Node clip = graph.node(id);
    if (!clip.is("Clip") || !clip.domain.empty()) continue;
    const ValueId bound = bound_of_rectifier(graph, clip);
    if (bound == graph::kNoValue) continue;
    const ValueId x = clip.inputs.front();
    const ValueId above = graph.add_op({.name = clip.name, .op_type = "Relu", .inputs = {x}});
    const ValueId shifted =
        graph.add_op({.name = clip.name, .op_type = "Sub", .inputs = {x, bound}});
    const ValueId excess =
        graph.add_op({.name = clip.name, .op_type = "Relu", .inputs = {shifted}});
    graph::Node& node = graph.mutable_node(id);
    node.op_type = "Sub";
    node.inputs = {above, excess};
    node.attributes.clear();
  }
  graph.sort();
  return graph;
}

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t hash) {
  constexpr std::uint64_t kPrime = 0x100000001b3ULL;  // FNV-1a, eight bytes at a time
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 29U;
  }
  for (; at < bytes.size(); ++at) hash = (hash ^ static_cast<std::uint64_t>(bytes[at])) * kPrime;
  return hash;
}

}  // namespace

GradientNetwork::GradientNetwork(const Graph& graph, const std::vector<graph::Layer>& layers)
    : network_(with_fast_gradients(graph)), scores_(scores_of(graph)) {
  for (const graph::Layer& layer : layers) {
    weight_ids_.push_back(layer.weight);
    weights_.push_back(ops::to_aten(*graph.value(layer.weight).constant));
  }
  for (const ValueId output : graph.outputs()) {
    if (graph.value(output).type == DataType::Float32) outputs_.push_back(output);
  }
}

std::vector<at::Tensor> GradientNetwork::leaves() const {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& weight : weights_) leaves.push_back(weight.detach().requires_grad_(true));
  return leaves;
}

std::int64_t GradientNetwork::samples_at_once() const {
  const graph::Graph& graph = network_.graph();
  for (const ValueId input : graph.inputs()) {
    const auto& shape = graph.value(input).shape;
    if (shape && !shape->empty() && shape->front().is_fixed()) return shape->front().size;
  }
  return kSamplesAtOnce;
}

std::vector<at::Tensor> GradientNetwork::run(std::span<const at::Tensor> inputs,
                                             std::span<const at::Tensor> weights) const {
  runtime::Bindings bound;
  const auto& names = network_.graph().inputs();
  if (inputs.size() != names.size()) {
    throw ShapeError("sensitivity",
                     "the network has " + std::to_string(names.size()) + " inputs, but " +
                         std::to_string(inputs.size()) + " were given");
  }
  for (std::size_t i = 0; i < names.size(); ++i) bound[names[i]] = inputs[i];
  for (std::size_t l = 0; l < weights.size(); ++l) bound.emplace(weight_ids_[l], weights[l]);
  std::vector<at::Tensor> outputs = network_.evaluate(bound, outputs_);
  for (at::Tensor& output : outputs) output = output.to(at::kFloat);
  return outputs;
}

at::Tensor GradientNetwork::log_probabilities(const std::vector<at::Tensor>& outputs) const {
  at::Tensor scores = outputs.front().flatten(1);
  if (scores_ == Scores::Probabilities) {
    constexpr double kLeast = 0x1p-126;
    scores = scores.clamp_min(kLeast).log();
  }
  return at::log_softmax(scores, 1);
}

std::vector<at::Tensor> slice_samples(std::span<const Tensor> inputs,
                                      std::int64_t begin,
                                      std::int64_t count) {
  std::vector<at::Tensor> slices;
  for (const Tensor& input : inputs) {
    const at::Tensor slice = ops::to_aten(input).narrow(0, begin, count);
    slices.push_back(slice.dim() == 4 ? slice.contiguous(at::MemoryFormat::ChannelsLast) : slice);
  }
  return slices;
}

Random random_for(std::span<const Tensor> inputs,
                  std::int64_t begin,
                  std::int64_t count,
                  std::uint64_t seed,
                  std::string_view purpose) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const Tensor& input : inputs) {
    const auto bytes = input.bytes();
    const std::size_t sample = bytes.size() / static_cast<std::size_t>(input.shape().front());
    hash = hash_of(bytes.subspan(static_cast<std::size_t>(begin) * sample,
                                 static_cast<std::size_t>(count) * sample),
                   hash);
  }
  return Random(seed).split(std::string(purpose) + std::to_string(hash));
}

double squared_norm(const std::vector<at::Tensor>& outputs) {
  double sum = 0;
  for (const at::Tensor& output : outputs) {
    sum += output.square().sum(at::kDouble).item<double>();
  }
  return sum;
}

}  // namespace ompq::sensitivity
