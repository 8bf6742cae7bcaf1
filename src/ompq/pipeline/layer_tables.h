#pragma once

#include <vector>

#include "ompq/allocation/cost_model.h"
#include "ompq/pipeline/model.h"
#include "ompq/report/results.h"

namespace ompq::pipeline {

/// The layers of `model` as the allocators see them.
[[nodiscard]] std::vector<allocation::LayerCost> layer_costs(const Model& model);
/// The same layers as tables and JSON show them.
[[nodiscard]] std::vector<report::LayerRow> layer_rows(const Model& model);

}  // namespace ompq::pipeline
