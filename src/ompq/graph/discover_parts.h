#pragma once

#include <vector>

#include "ompq/graph/dominators.h"
#include "ompq/graph/layer_function.h"
#include "ompq/graph/layers.h"
#include "ompq/graph/uses.h"

/// The steps of discover(), in the order they run.
namespace ompq::graph {

/// The state shared by the steps.
struct Scene {
  const Graph& graph;
  Uses uses;
  Dominators dominators;
  std::vector<Layer> layers;
  std::vector<LayerFunction> functions;  ///< by LayerId
  std::vector<LayerId> layer_at;         ///< by NodeId: the first of its layers; -1 if it has none
};

/// Fills layers, functions and layer_at; returns operators that are left float.
std::vector<NotQuantizable> discover_layers(Scene& scene);
[[nodiscard]] std::vector<Tie> discover_ties(const Scene& scene);
[[nodiscard]] std::vector<Block> discover_blocks(const Scene& scene);

}  // namespace ompq::graph
