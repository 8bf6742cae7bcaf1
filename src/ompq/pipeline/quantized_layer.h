#pragma once

#include <vector>

#include "ompq/graph/layers.h"

namespace ompq::pipeline {

/// Where a layer of the float network stands in a quantized copy of it.
struct QuantizedLayer {
  graph::NodeId node = graph::kNoNode;
  graph::ValueId weight = graph::kNoValue;
  /// The value that the float layer reads, ahead of its quantizer.
  graph::ValueId source = graph::kNoValue;
  /// What the quantized layer reads: `source`, or what a quantizer made of it.
  graph::ValueId input = graph::kNoValue;
  /// From `source` to `input`: [Clip,] QuantizeLinear, DequantizeLinear; empty for a float input.
  std::vector<graph::NodeId> quantizer;
};

/// The layers of the float network `float_graph` in `quantized`, by names of nodes and values.
/// @throws ConfigError naming a layer that is not there, or that does not read the same value.
[[nodiscard]] std::vector<QuantizedLayer> find_layers(const graph::Graph& float_graph,
                                                      const std::vector<graph::Layer>& layers,
                                                      const graph::Graph& quantized);

/// The value of this name. @throws ConfigError where there is none.
[[nodiscard]] graph::ValueId same_value(const graph::Graph& float_graph,
                                        graph::ValueId id,
                                        const graph::Graph& quantized);

}  // namespace ompq::pipeline
