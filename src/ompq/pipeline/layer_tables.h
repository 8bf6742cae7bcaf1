#pragma once

#include <vector>

#include "ompq/allocation/cost_model.h"
#include "ompq/pipeline/model.h"
#include "ompq/report/results.h"

namespace ompq::pipeline {

/// The layers of `model` for allocators.
[[nodiscard]] std::vector<allocation::LayerCost> layer_costs(const Model& model);
/// True for a network input, possibly moved, shifted or scaled.
[[nodiscard]] bool is_network_input(const graph::Graph& graph, graph::ValueId value);
/// The inputs of layers, without duplicates, in the order of their first reader: the indices of
/// LayerCost::activation.
[[nodiscard]] std::vector<graph::ValueId> activation_values(const Model& model);
[[nodiscard]] std::vector<allocation::ActivationCost> activation_costs(const Model& model);
/// Live values at each step of a run with fused layers, for one sample: inputs of layers have the
/// chosen width, all others take 4 bytes per element.
[[nodiscard]] std::vector<allocation::LiveSet> live_sets(const Model& model);
/// The same layers for tables and JSON.
[[nodiscard]] std::vector<report::LayerRow> layer_rows(const Model& model);

}  // namespace ompq::pipeline
