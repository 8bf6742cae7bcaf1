#pragma once

#include <optional>
#include <string>

#include "ompq/graph/graph.h"

/// What changed in operators from one opset to the next: each function gives a node the newer form.
/// Rows of operator_traits() say in which opset. Nodes that this takes are appended, so the graph
/// must be sorted afterwards.
namespace ompq::graph {

/// Why a node has no form in the newer opset; nothing once it has it.
using Refusal = std::optional<std::string>;

/// `axes` became an operand.
[[nodiscard]] Refusal upgrade_axes(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_split(Graph& graph, NodeId id);
/// Since opset 18, a Split without sizes must say into how many parts.
[[nodiscard]] Refusal upgrade_even_split(Graph& graph, NodeId id);
/// Opset 19 divides by fewer elements where a window reaches past the padding.
[[nodiscard]] Refusal upgrade_average_pool(Graph& graph, NodeId id);
/// Scale and bias are of groups before opset 21, of channels since.
[[nodiscard]] Refusal upgrade_group_norm(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_clip(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_pad(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_slice(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_top_k(Graph& graph, NodeId id);
/// Outside of training, the ratio says nothing.
[[nodiscard]] Refusal upgrade_dropout(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_batch_norm(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_scatter(Graph& graph, NodeId id);
/// Before opset 13 all dimensions from `axis` on are one, flattened; since then `axis` is one
/// dimension. The two agree on the last.
[[nodiscard]] Refusal upgrade_softmax(Graph& graph, NodeId id);
/// Opset 20 names interpolation as Resize does.
[[nodiscard]] Refusal upgrade_grid_sample(Graph& graph, NodeId id);
/// Upsample, and Resize of opset 10: positions are scaled from the corner; the nearest neighbour is
/// the one before, or, where the image shrinks, the one after.
[[nodiscard]] Refusal upgrade_resize(Graph& graph, NodeId id);

}  // namespace ompq::graph
