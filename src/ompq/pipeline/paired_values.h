#pragma once

#include <map>

#include "ompq/graph/graph.h"

namespace ompq::pipeline {

/// The only quantizer that reads a value: QuantizeLinear, for fewer than 8 bits a Clip of the
/// codes, DequantizeLinear. Its result; kNoValue if there is none.
[[nodiscard]] graph::ValueId after_quantizer(const graph::Graph& graph, graph::ValueId value);

/// Pairs the values of a network with those of its quantized file, which keeps no names of values:
/// in the order of `plain`, a node's partner is the one of the same operator and attributes that
/// reads the partners of its inputs, quantized or not. A Relu or Clip that a quantizer performs
/// may be missing; then its input's partner is also that of its output. A Sub or Div of a constant
/// may have become an Add or Mul. Values of operators without partner are left out.
/// @param nodes  partners that are known, by node of `plain`.
[[nodiscard]] std::map<graph::ValueId, graph::ValueId> paired_values(
    const graph::Graph& plain,
    const graph::Graph& quantized,
    const std::map<graph::NodeId, graph::NodeId>& nodes);

}  // namespace ompq::pipeline
