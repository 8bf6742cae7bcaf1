#pragma once

#include <vector>

#include "ompq/graph/layers.h"

namespace ompq::pipeline {

/// A layer of the float network in its quantized copy.
struct QuantizedLayer {
  graph::NodeId node = graph::kNoNode;
  graph::ValueId weight = graph::kNoValue;
  /// The input of the float layer, before its quantizer.
  graph::ValueId source = graph::kNoValue;
  /// The input of the quantized layer: `source`, or its quantized value.
  graph::ValueId input = graph::kNoValue;
  /// From `source` to `input`: [Clip,] QuantizeLinear, DequantizeLinear; empty for a float input.
  std::vector<graph::NodeId> quantizer;
};

/// The layers of the float network `float_graph` in `quantized`, by names of nodes and values.
/// @throws ConfigError naming a layer that is missing, or that does not read the same value.
[[nodiscard]] std::vector<QuantizedLayer> find_layers(const graph::Graph& float_graph,
                                                      const std::vector<graph::Layer>& layers,
                                                      const graph::Graph& quantized);

/// The value with this name. @throws ConfigError if there is none.
[[nodiscard]] graph::ValueId same_value(const graph::Graph& float_graph,
                                        graph::ValueId id,
                                        const graph::Graph& quantized);

}  // namespace ompq::pipeline
