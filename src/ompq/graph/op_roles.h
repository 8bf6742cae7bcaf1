#pragma once

#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/uses.h"

/// What part a node plays between a layer and the value that counts as its output: the role of its
/// operator (operator_traits.h), where its operands are as the role needs them.
namespace ompq::graph {

/// Moves or re-encodes the elements of `x` and leaves their meaning.
[[nodiscard]] bool is_transparent(const Node& node, ValueId x);

/// Normalizes `x`.
[[nodiscard]] bool is_norm(const Node& node, ValueId x);

/// Adds to, or scales, `x` by a constant that is one number or one number per channel (bias, layer
/// scale, an unfused norm), keeping the shape.
[[nodiscard]] bool is_affine(const Graph& graph, const Node& node, ValueId x);

/// A non-linear function of each element of `x` alone.
[[nodiscard]] bool is_activation(const Graph& graph, const Node& node, ValueId x);

/// Cuts off what an activation made at a constant: Clip, or Min or Max with a constant.
[[nodiscard]] bool is_bound(const Graph& graph, const Node& node, ValueId x);

/// Adds two different activations of the same shape.
[[nodiscard]] bool is_residual_add(const Graph& graph, const Node& node);

/// The nodes of an activation that reads `x` twice: two chains of element-wise operators that meet
/// in one Mul (SiLU, decomposed HardSwish, GELU, Mish), and the scalar factor after it if there is
/// one. In topological order; empty if `x` is not read so. The last node's output is the
/// activation's.
[[nodiscard]] std::vector<NodeId> gated_activation(const Graph& graph, const Uses& uses, ValueId x);

}  // namespace ompq::graph
