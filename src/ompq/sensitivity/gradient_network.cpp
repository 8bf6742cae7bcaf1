#include "ompq/sensitivity/gradient_network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "ompq/core/error.h"
#include "ompq/core/memory_budget.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/class_losses.h"
#include "ompq/runtime/pass_memory.h"

namespace ompq::sensitivity {
namespace {

using graph::Graph;
using graph::ValueId;

constexpr std::int64_t kSamplesAtOnce = 2;

/// Clip(x, 0, c) as Relu(x) - Relu(x - c): the same function, but LibTorch's gradient of a clamp
/// takes several times as long as those of two rectifiers.
Graph with_fast_gradients(Graph graph) {
  const auto count = static_cast<graph::NodeId>(graph.nodes().size());
  for (graph::NodeId id = 0; id < count; ++id) {
    const graph::Node clip = graph.node(id);
    const std::optional<graph::Bounds> bounds = graph::bounds_of(graph, clip);
    if (!bounds || bounds->low != 0.0F || std::isinf(bounds->high)) continue;
    const ValueId bound = graph.add_constant("", Tensor::scalar(bounds->high));
    const ValueId x = clip.inputs.front();
    const ValueId above = graph.add_op({.name = clip.name, .op_type = "Relu", .inputs = {x}});
    const ValueId shifted =
        graph.add_op({.name = clip.name, .op_type = "Sub", .inputs = {x, bound}});
    const ValueId excess =
        graph.add_op({.name = clip.name, .op_type = "Relu", .inputs = {shifted}});
    graph::Node& node = graph.mutable_node(id);
    node.op_type = "Sub";
    node.domain.clear();
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

/// The part of an input with open batch that belongs to a pass.
at::Tensor samples_of(const at::Tensor& all, const runtime::Passes& passes, std::int64_t pass) {
  const std::int64_t rows = all.size(0) / passes.samples;  // of one sample
  return all.narrow(0, pass * passes.at_once * rows, passes.real(pass) * rows);
}

}  // namespace

GradientNetwork::GradientNetwork(const Graph& graph, const std::vector<graph::Layer>& layers)
    : network_(with_fast_gradients(graph)), kind_(scores::kind_of(graph)) {
  for (const graph::Layer& layer : layers) {
    weight_ids_.push_back(layer.weight);
    weights_.push_back(ops::to_aten(*graph.value(layer.weight).constant));
  }
  for (const ValueId output : graph.outputs()) {
    if (graph.value(output).type == DataType::Float32) outputs_.push_back(output);
  }
  if (outputs_.empty()) {
    throw DataError("sensitivity",
                    "the network has no float output, so there is no gradient; use output-mse or a "
                    "metric of single layers");
  }
}

std::vector<at::Tensor> GradientNetwork::leaves() const {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& weight : weights_) leaves.push_back(weight.detach().requires_grad_(true));
  return leaves;
}

runtime::Passes GradientNetwork::passes(std::span<const Tensor> inputs) const {
  runtime::Passes passes = runtime::passes_for(network_.graph(), inputs);
  if (passes.fixed) return passes;
  passes.at_once = std::min(kSamplesAtOnce, passes.samples);
  const auto part = memory_part();
  if (part && passes.at_once * runtime::gradient_pass_bytes(network_.graph()) > *part) {
    passes.at_once = 1;
  }
  return passes;
}

std::vector<at::Tensor> GradientNetwork::inputs_of(std::span<const Tensor> inputs,
                                                   const runtime::Passes& passes,
                                                   std::int64_t pass) const {
  const Graph& graph = network_.graph();
  std::vector<at::Tensor> parts;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const graph::Value& input = graph.value(graph.inputs()[i]);
    const at::Tensor all = ops::to_aten(
        inputs[i].type() == input.type ? inputs[i] : inputs[i].converted_to(input.type));
    const at::Tensor part =
        passes.fixed ? runtime::part_of(all, input, passes, pass) : samples_of(all, passes, pass);
    parts.push_back(part.dim() == 4 ? part.contiguous(at::MemoryFormat::ChannelsLast) : part);
  }
  return parts;
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
  return runtime::log_probabilities(runtime::logits_of(outputs.front(), kind_));
}

std::vector<at::Tensor> outputs_of(const std::vector<at::Tensor>& outputs,
                                   std::int64_t first,
                                   std::int64_t count,
                                   std::int64_t at_once) {
  std::vector<at::Tensor> parts;
  for (const at::Tensor& output : outputs) {
    if (at_once == 1 || (first == 0 && count == at_once)) {
      parts.push_back(output);
    } else if (output.dim() > 0 && output.size(0) % at_once == 0) {
      const std::int64_t rows = output.size(0) / at_once;
      parts.push_back(output.narrow(0, first * rows, count * rows));
    } else if (first == 0) {
      parts.push_back(output);
    }
  }
  return parts;
}

Random random_for(std::span<const Tensor> inputs,
                  std::int64_t begin,
                  std::int64_t count,
                  std::uint64_t seed,
                  std::string_view purpose) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const Tensor& input : inputs) {
    const auto bytes = input.bytes();
    const std::int64_t rows = input.shape().empty() ? 1 : input.shape().front();
    // An input that all samples share has fewer rows.
    if (begin + count > rows) {
      hash = hash_of(bytes, hash);
      continue;
    }
    const std::size_t sample = bytes.size() / static_cast<std::size_t>(rows);
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
