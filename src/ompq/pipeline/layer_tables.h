#pragma once

#include <vector>

#include "ompq/allocation/cost_model.h"
#include "ompq/pipeline/model.h"
#include "ompq/report/results.h"

namespace ompq::pipeline {

/// The layers of `model` as the allocators see them.
[[nodiscard]] std::vector<allocation::LayerCost> layer_costs(const Model& model);
/// True for what the network is given: one of its inputs, moved, shifted or scaled at most.
[[nodiscard]] bool is_network_input(const graph::Graph& graph, graph::ValueId value);
/// The values that layers read, each once, in the order of their first reader: what
/// LayerCost::activation counts.
[[nodiscard]] std::vector<graph::ValueId> activation_values(const Model& model);
[[nodiscard]] std::vector<allocation::ActivationCost> activation_costs(const Model& model);
/// What is alive at each step of a run with fused layers, for one sample: values that layers read
/// have the width that is chosen for them, all others take 4 bytes an element.
[[nodiscard]] std::vector<allocation::LiveSet> live_sets(const Model& model);
/// The same layers as tables and JSON show them.
[[nodiscard]] std::vector<report::LayerRow> layer_rows(const Model& model);

}  // namespace ompq::pipeline
