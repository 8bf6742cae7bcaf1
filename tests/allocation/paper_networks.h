#pragma once

#include <string>
#include <vector>

#include "ompq/allocation/cost_model.h"

namespace ompq::testing {

/// The networks of the published results for 224 x 224 images, layer by layer in topological order,
/// with their projection shortcuts tied.
/// @param folded  batch norms are folded: only biases are left of them.
[[nodiscard]] std::vector<allocation::LayerCost> resnet18_layers(bool folded = false);
[[nodiscard]] std::vector<allocation::LayerCost> resnet50_layers(bool folded = false);
[[nodiscard]] std::vector<allocation::LayerCost> mobilenetv2_layers(bool folded = false);

}  // namespace ompq::testing
