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

/// Weighs packed weights one by one, shared constants with the first that needs them.
class Scale {
 public:
  explicit Scale(const ShortNames& names) : unused_(names) {}

  std::int64_t weigh(const PackedWeight& weight) {
    names_ = unused_;  // only the length of names counts here
    graph_.Clear();
    writer_.write(weight, names_.fresh());
    return size_of(graph_);
  }

 private:
  const ShortNames unused_;
  ShortNames names_ = unused_;
  onnx::GraphProto graph_;
  UnpackWriter writer_{graph_, names_};
};

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
  const Graph form = upgraded(graph);
  Scale scale(short_names_for(form, plans.size()));
  std::set<std::string> names;
  FileCosts costs;
  for (const auto& [name, plan] : plans) {
    names.insert(name);
    auto& bytes = costs.weight_bytes[name];
    for (const BitWidth bits : candidates) {
      const PackedWeight weight = blank(graph, name, {bits, plan.symmetry, plan.granularity});
      if (!is_read(graph, name)) continue;
      // Once with the constants that it shares with others, and once for what is its own.
      const std::int64_t first = scale.weigh(weight);
      const std::int64_t own = scale.weigh(weight);
      bytes[static_cast<std::size_t>(bits.value())] = own;
      costs.fixed_bytes += first - own;
    }
  }
  costs.fixed_bytes += size_of(write_model(form, {}, names)) + kLengthSlack;
  return costs;
}

}  // namespace ompq::onnx_io
