#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ompq/graph/layers.h"

namespace ompq::rounding {

/// A part of a network as a separate network, with the same names of values and nodes.
struct PartGraph {
  graph::Graph graph;
  std::map<graph::ValueId, graph::ValueId> own;  ///< id in `graph` by id in the whole network
  std::vector<graph::NodeId> nodes;  ///< ids in the whole network, in the order of graph.nodes()

  [[nodiscard]] bool holds(graph::ValueId whole) const { return own.contains(whole); }
};

/// Extracts `nodes` (in topological order) with the given inputs and outputs. Producers of integers
/// that the nodes read, such as shapes, are included.
/// @throws ConfigError naming a value that is read but neither produced inside nor an input.
[[nodiscard]] PartGraph extract_part(const graph::Graph& whole,
                                     std::span<const graph::NodeId> nodes,
                                     std::span<const graph::ValueId> inputs,
                                     std::span<const graph::ValueId> outputs);

/// The layers whose operator is in the part, with the part's ids; `which` receives their indices in
/// `layers`.
[[nodiscard]] std::vector<graph::Layer> layers_of_part(const PartGraph& part,
                                                       const std::vector<graph::Layer>& layers,
                                                       std::vector<std::size_t>* which = nullptr);

/// One block per layer, or per operator with several layers: the operator with bias and activation,
/// without an Add that joins branches. The unit of AdaRound.
[[nodiscard]] std::vector<graph::Block> layer_blocks(const graph::Graph& graph,
                                                     const std::vector<graph::Layer>& layers);

/// A section of the network that runs as a unit: a block, or the nodes between two blocks.
struct Stage {
  int block = -1;  ///< index, or -1 between blocks
  std::vector<graph::NodeId> nodes;
  std::vector<graph::ValueId> inputs;   ///< activations from earlier stages
  std::vector<graph::ValueId> outputs;  ///< activations that later stages read
};

/// The network up to its last block in executable order: every stage reads only network inputs and
/// outputs of earlier stages. Blocks are in the order of their stages.
[[nodiscard]] std::vector<Stage> plan_stages(const graph::Graph& graph,
                                             std::span<const graph::Block> blocks);

/// Elements of a value per sample; all elements if it does not depend on the samples, or if the
/// network has a fixed batch, whose passes count as samples here.
[[nodiscard]] std::int64_t elements_per_sample(const graph::Graph& graph, graph::ValueId value);

/// True if samples are contiguous in memory: the batch axis is the first, or there is none.
[[nodiscard]] bool has_samples_first(const graph::Graph& graph, graph::ValueId value);

}  // namespace ompq::rounding
