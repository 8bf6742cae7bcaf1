#include "ompq/pipeline/layer_tables.h"

#include <algorithm>
#include <set>

#include "ompq/graph/op_roles.h"
#include "ompq/graph/passes.h"
#include "ompq/runtime/plan.h"

namespace ompq::pipeline {
namespace {

bool is_linear(const graph::Layer& layer) { return layer.use != graph::WeightUse::Convolution; }

/// Elements for one sample; 0 if the shape is not known.
std::int64_t elements_of(const graph::Value& value) {
  if (!value.shape) return 0;
  std::int64_t elements = 1;
  for (const graph::Dim& dim : *value.shape) elements *= dim.at(1);
  return elements;
}

std::int32_t index_of(const std::vector<graph::ValueId>& values, graph::ValueId value) {
  const auto found = std::find(values.begin(), values.end(), value);
  return found == values.end() ? allocation::kNoActivation
                               : static_cast<std::int32_t>(found - values.begin());
}

}  // namespace

bool is_network_input(const graph::Graph& graph, graph::ValueId id) {
  while (graph.producer(id) != graph::kNoNode) {
    const graph::Node& node = graph.node(graph.producer(id));
    const auto carried = std::ranges::find_if(node.inputs, [&](graph::ValueId input) {
      return input != graph::kNoValue && !graph.is_constant(input);
    });
    if (carried == node.inputs.end()) return false;
    if (!graph::is_transparent(node, *carried) && !graph::is_affine(graph, node, *carried)) {
      return false;
    }
    id = *carried;
  }
  const auto& inputs = graph.inputs();
  return std::find(inputs.begin(), inputs.end(), id) != inputs.end();
}

std::vector<graph::ValueId> activation_values(const Model& model) {
  std::vector<graph::ValueId> values;
  for (const graph::Layer& layer : model.discovery.layers) {
    if (layer.activation == graph::kNoValue) continue;
    if (index_of(values, layer.activation) != allocation::kNoActivation) continue;
    values.push_back(layer.activation);
  }
  return values;
}

std::vector<allocation::ActivationCost> activation_costs(const Model& model) {
  std::vector<allocation::ActivationCost> costs;
  for (const graph::ValueId id : activation_values(model)) {
    const graph::Value& value = model.graph.value(id);
    costs.push_back({.name = value.name,
                     .elements = elements_of(value),
                     .network_input = is_network_input(model.graph, id)});
  }
  return costs;
}

std::vector<allocation::LiveSet> live_sets(const Model& model) {
  const std::vector<graph::ValueId> values = activation_values(model);
  graph::Graph fused = model.graph;
  graph::fuse(fused, values);
  std::set<graph::ValueId> alive(fused.inputs().begin(), fused.inputs().end());
  std::vector<allocation::LiveSet> sets;
  for (const runtime::Step& step : runtime::make_plan(fused).steps) {
    const auto& outputs = fused.node(step.node).outputs;
    alive.insert(outputs.begin(), outputs.end());
    allocation::LiveSet& set = sets.emplace_back();
    for (const graph::ValueId id : alive) {
      const std::int32_t index = index_of(values, id);
      if (index == allocation::kNoActivation) {
        set.fixed_bytes += 4 * elements_of(fused.value(id));
      } else {
        set.activations.push_back(static_cast<std::size_t>(index));
      }
    }
    for (const graph::ValueId id : step.last_read) alive.erase(id);
  }
  return sets;
}

std::vector<allocation::LayerCost> layer_costs(const Model& model) {
  std::vector<allocation::LayerCost> costs;
  const std::vector<graph::ValueId> activations = activation_values(model);
  for (const graph::Layer& layer : model.discovery.layers) {
    allocation::LayerCost cost;
    cost.activation = index_of(activations, layer.activation);
    cost.float_input = layer.activation == graph::kNoValue;
    cost.name = layer.name;
    cost.weight_count = layer.weight_count;
    cost.bias_count = layer.bias_count;
    cost.norm_count = layer.norm_count;
    cost.out_channels = layer.out_channels;
    cost.macs = layer.macs;
    cost.output_elements = layer.output_elements;
    cost.linear = is_linear(layer);
    costs.push_back(std::move(cost));
  }
  for (const graph::Tie& tie : model.discovery.ties) {
    for (const graph::LayerId follower : tie.followers) {
      costs[static_cast<std::size_t>(follower)].tied_to = tie.leader;
    }
  }
  return costs;
}

std::vector<report::LayerRow> layer_rows(const Model& model) {
  const auto costs = layer_costs(model);
  std::vector<report::LayerRow> rows;
  for (std::size_t l = 0; l < costs.size(); ++l) {
    const graph::Layer& layer = model.discovery.layers[l];
    const auto& output = model.graph.value(layer.output);
    rows.push_back({.name = layer.name,
                    .op_type = layer.op_type,
                    .weights = layer.weight_count,
                    .biases = layer.bias_count,
                    .paper_parameters = allocation::paper_parameters(costs[l]),
                    .macs = layer.macs,
                    .float_input = layer.activation == graph::kNoValue,
                    .output_shape = output.shape ? graph::to_string(*output.shape) : "",
                    .feature_size = layer.feature_elements,
                    .tied_to = "",
                    .block = ""});
    if (costs[l].tied_to != allocation::kUntied) {
      rows.back().tied_to = costs[static_cast<std::size_t>(costs[l].tied_to)].name;
    }
  }
  for (const graph::Block& block : model.discovery.blocks) {
    for (const graph::LayerId layer : block.layers) {
      rows[static_cast<std::size_t>(layer)].block = block.name;
    }
  }
  return rows;
}

}  // namespace ompq::pipeline
