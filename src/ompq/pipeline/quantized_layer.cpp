#include "ompq/pipeline/quantized_layer.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::pipeline {
namespace {

/// The nodes on the path from `source` to `input` through first inputs; empty if there is no such
/// path.
std::vector<graph::NodeId> chain_between(const graph::Graph& graph,
                                         graph::ValueId source,
                                         graph::ValueId input) {
  std::vector<graph::NodeId> chain;
  for (graph::ValueId at = input; at != source;) {
    const graph::NodeId maker = graph.producer(at);
    if (maker == graph::kNoNode || graph.node(maker).inputs.empty()) return {};
    chain.push_back(maker);
    at = graph.node(maker).inputs.front();
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

bool is_quantizer(const graph::Graph& graph, const std::vector<graph::NodeId>& chain) {
  if (chain.size() < 2 || chain.size() > 3) return false;
  const auto is = [&](std::size_t from_end, std::string_view type) {
    return graph.node(chain[chain.size() - from_end]).is(type);
  };
  if (!is(1, "DequantizeLinear")) return false;
  if (is(2, "QuantizeLinear")) return chain.size() == 2 || is(3, "Clip");
  return chain.size() == 3 && is(2, "Clip") && is(3, "QuantizeLinear");  // a Clip of codes
}

[[noreturn]] void throw_mismatch(const graph::Layer& layer, std::string_view why) {
  throw ConfigError(
      "diagnosis",
      fmt::format(
          "layer '{}' {}; give a network that was made from the float one", layer.name, why));
}

}  // namespace

graph::ValueId same_value(const graph::Graph& float_graph,
                          graph::ValueId id,
                          const graph::Graph& quantized) {
  const std::string& name = float_graph.value(id).name;
  const graph::ValueId found = quantized.find_value(name);
  if (found == graph::kNoValue) {
    throw ConfigError("diagnosis",
                      fmt::format("the quantized network has no value '{}'; give one that was made "
                                  "from the float network with the same names",
                                  name));
  }
  return found;
}

std::vector<QuantizedLayer> find_layers(const graph::Graph& float_graph,
                                        const std::vector<graph::Layer>& layers,
                                        const graph::Graph& quantized) {
  std::unordered_map<std::string_view, graph::NodeId> by_name;
  for (std::size_t n = 0; n < quantized.nodes().size(); ++n) {
    by_name.emplace(quantized.nodes()[n].name, static_cast<graph::NodeId>(n));
  }
  std::vector<QuantizedLayer> found;
  for (const graph::Layer& layer : layers) {
    const auto node = by_name.find(layer.node_name);
    if (node == by_name.end() || !quantized.node(node->second).is(layer.op_type)) {
      throw_mismatch(layer, "is not in the quantized network");
    }
    const graph::Node& there = quantized.node(node->second);
    QuantizedLayer entry{.node = node->second,
                         .weight = there.input(layer.weight_operand),
                         .source = same_value(float_graph, layer.input, quantized),
                         .input = there.input(layer.input_operand)};
    entry.quantizer = chain_between(quantized, entry.source, entry.input);
    if (entry.input != entry.source && !is_quantizer(quantized, entry.quantizer)) {
      throw_mismatch(layer, "reads another value in the quantized network");
    }
    if (!quantized.is_constant(entry.weight)) {
      throw_mismatch(layer, "has no constant weight in the quantized network");
    }
    found.push_back(std::move(entry));
  }
  return found;
}

}  // namespace ompq::pipeline
