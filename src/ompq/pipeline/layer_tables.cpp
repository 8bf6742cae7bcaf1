#include "ompq/pipeline/layer_tables.h"

namespace ompq::pipeline {
namespace {

bool is_linear(const graph::Layer& layer) {
  return layer.op_type == "Gemm" || layer.op_type == "MatMul";
}

}  // namespace

std::vector<allocation::LayerCost> layer_costs(const Model& model) {
  std::vector<allocation::LayerCost> costs;
  for (const graph::Layer& layer : model.discovery.layers) {
    allocation::LayerCost cost;
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
                    .op = layer.op_type,
                    .weights = layer.weight_count,
                    .biases = layer.bias_count,
                    .paper_parameters = allocation::paper_parameters(costs[l]),
                    .macs = layer.macs,
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
