#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ompq/graph/layers.h"

namespace ompq::rounding {

/// A part of a network as a network of its own. Names of values and nodes are those of the whole.
struct PartGraph {
  graph::Graph graph;
  std::map<graph::ValueId, graph::ValueId>
      own;                           ///< a value's id in `graph`, by its id in the whole
  std::vector<graph::NodeId> nodes;  ///< of the whole, in the order of graph.nodes()

  [[nodiscard]] bool holds(graph::ValueId whole) const { return own.contains(whole); }
};

/// `nodes` (in topological order) with `inputs` as inputs and `outputs` as outputs. Makers of
/// integers that the nodes read, such as shapes, come along.
/// @throws ConfigError naming a value that is read but neither made inside nor among the inputs.
[[nodiscard]] PartGraph extract_part(const graph::Graph& whole,
                                     std::span<const graph::NodeId> nodes,
                                     std::span<const graph::ValueId> inputs,
                                     std::span<const graph::ValueId> outputs);

/// The layers whose operator is among the part's nodes, in the part's own ids; `which` gets their
/// places in `layers`.
[[nodiscard]] std::vector<graph::Layer> layers_of_part(const PartGraph& part,
                                                       const std::vector<graph::Layer>& layers,
                                                       std::vector<std::size_t>* which = nullptr);

/// One block a layer, or for all layers of one operator: the operator with bias and activation,
/// short of an Add that joins branches. What AdaRound optimizes at once.
[[nodiscard]] std::vector<graph::Block> layer_blocks(const graph::Graph& graph,
                                                     const std::vector<graph::Layer>& layers);

/// A stretch of the network that runs at once while the samples go through it: a block, or the
/// nodes between two blocks.
struct Stage {
  int block = -1;  ///< index, or -1 between blocks
  std::vector<graph::NodeId> nodes;
  std::vector<graph::ValueId> inputs;   ///< activations that it reads from before
  std::vector<graph::ValueId> outputs;  ///< activations that later stages read
};

/// The network up to its last block, in an order in which it can run: every stage reads network
/// inputs and outputs of earlier stages alone. Blocks stand in the order of their stages.
[[nodiscard]] std::vector<Stage> plan_stages(const graph::Graph& graph,
                                             std::span<const graph::Block> blocks);

/// Elements that one sample has of a value; all of them where it does not depend on the samples, or
/// where the network takes a fixed number of samples, whose passes count as samples here.
[[nodiscard]] std::int64_t elements_per_sample(const graph::Graph& graph, graph::ValueId value);

/// True where samples lie one after the other in memory: their axis is the first, or there is none.
[[nodiscard]] bool has_samples_first(const graph::Graph& graph, graph::ValueId value);

}  // namespace ompq::rounding
