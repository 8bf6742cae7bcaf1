#include "ompq/onnx_io/file_size.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/model_writer.h"
#include "ompq/onnx_io/opset_upgrade.h"
#include "ompq/onnx_io/unpack_writer.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;

/// Protobuf writes the graph's own length in front of it: at most so many bytes more than counted.
constexpr std::int64_t kLengthSlack = 5;

PackedWeight blank(const Graph& graph, const std::string& name, const WeightPlan& plan) {
  const graph::ValueId id = graph.find_value(name);
  if (!graph.is_constant(id)) {
    throw ConfigError(
        "export", fmt::format("'{}' is to be quantized, but is no constant of the network", name));
  }
  return blank_weight(plan, graph.value(id).constant->shape(), name);
}

bool is_read(const Graph& graph, const std::string& name) {
  const graph::ValueId id = graph.find_value(name);
  return !graph.consumers(id).empty() || graph.is_output(id);
}

std::int64_t size_of(const google::protobuf::Message& message) {
  return static_cast<std::int64_t>(message.ByteSizeLong());
}

}  // namespace

std::int64_t predict_file_bytes(const Graph& graph, const WeightPlans& plans) {
  if (plans.empty()) return size_of(write_model(graph));
  const Graph form = upgraded(graph);
  PackedWeights packed;
  for (const auto& [name, plan] : plans) packed.emplace(name, blank(graph, name, plan));
  return size_of(write_model(form, packed));
}

FileCosts file_costs(const Graph& graph,
                     const WeightPlans& plans,
                     std::span<const BitWidth> candidates) {
  std::set<std::string> names;
  for (const auto& [name, plan] : plans) names.insert(name);
  const Graph form = upgraded(graph);
  onnx::GraphProto scratch;
  UnpackWriter writer(scratch, value_names(form), plans.size());
  FileCosts costs;
  for (const auto& [name, plan] : plans) {
    auto& bytes = costs.weight_bytes[name];
    for (const BitWidth bits : candidates) {
      WeightPlan candidate = plan;
      candidate.bits = bits;
      const PackedWeight weight = blank(graph, name, candidate);
      if (!is_read(graph, name)) continue;
      // Once for the constants that it shares, and once for what is its own.
      writer.write(weight, name);
      const std::int64_t with_shared = size_of(scratch);
      scratch.Clear();
      writer.write(weight, name);
      bytes[static_cast<std::size_t>(bits.value())] = size_of(scratch);
      costs.fixed_bytes += with_shared - size_of(scratch);
      scratch.Clear();
    }
  }
  costs.fixed_bytes += size_of(write_model(form, {}, names)) + kLengthSlack;
  return costs;
}

}  // namespace ompq::onnx_io
