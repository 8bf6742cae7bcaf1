#pragma once

#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/uses.h"

/// The role of a node between a layer and its feature: the role of its operator
/// (operator_traits.h), if its operands are as the role requires.
namespace ompq::graph {

/// Moves or re-encodes the elements of `x` without changing their meaning.
[[nodiscard]] bool is_transparent(const Node& node, ValueId x);

/// Normalizes `x`.
[[nodiscard]] bool is_norm(const Node& node, ValueId x);

/// Adds to, or scales, `x` by a constant that is one number or one number per channel (bias, layer
/// scale, an unfused norm), keeping the shape.
[[nodiscard]] bool is_affine(const Graph& graph, const Node& node, ValueId x);

/// A non-linear element-wise function of only `x`.
[[nodiscard]] bool is_activation(const Graph& graph, const Node& node, ValueId x);

/// Clips an activation's output to a constant: Clip, or Min or Max with a constant.
[[nodiscard]] bool is_bound(const Graph& graph, const Node& node, ValueId x);

/// Adds two different activations of the same shape.
[[nodiscard]] bool is_residual_add(const Graph& graph, const Node& node);

/// The nodes of an activation that reads `x` twice: two chains of element-wise operators that meet
/// in one Mul (SiLU, decomposed HardSwish, GELU, Mish), and the scalar factor after it if there is
/// one. In topological order; empty if there is no such activation. The last node's output is the
/// activation's.
[[nodiscard]] std::vector<NodeId> gated_activation(const Graph& graph, const Uses& uses, ValueId x);

}  // namespace ompq::graph
