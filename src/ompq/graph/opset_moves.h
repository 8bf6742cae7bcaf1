#pragma once

#include <optional>
#include <string>

#include "ompq/graph/graph.h"

/// Changes of operators between opsets: each function converts a node to the newer form. Rows of
/// operator_traits() give the opset. Nodes that this needs are appended, so the graph must be
/// sorted afterwards.
namespace ompq::graph {

/// Why a node has no form in the newer opset; nullopt on success.
using Refusal = std::optional<std::string>;

/// `axes` became an operand.
[[nodiscard]] Refusal upgrade_axes(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_split(Graph& graph, NodeId id);
/// Since opset 18, a Split without sizes needs num_outputs.
[[nodiscard]] Refusal upgrade_even_split(Graph& graph, NodeId id);
/// Opset 19 divides by fewer elements if a window extends past the padding.
[[nodiscard]] Refusal upgrade_average_pool(Graph& graph, NodeId id);
/// Scale and bias are per group before opset 21 and per channel since.
[[nodiscard]] Refusal upgrade_group_norm(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_clip(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_pad(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_slice(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_top_k(Graph& graph, NodeId id);
/// Outside of training, the ratio is not used.
[[nodiscard]] Refusal upgrade_dropout(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_batch_norm(Graph& graph, NodeId id);
[[nodiscard]] Refusal upgrade_scatter(Graph& graph, NodeId id);
/// Before opset 13 all dimensions from `axis` on are flattened to one; since then only `axis` is
/// used. Both agree for the last axis.
[[nodiscard]] Refusal upgrade_softmax(Graph& graph, NodeId id);
/// Since opset 20 the interpolation modes have the names of Resize.
[[nodiscard]] Refusal upgrade_grid_sample(Graph& graph, NodeId id);
/// Upsample, and Resize of opset 10: coordinates are asymmetric; nearest rounds down, or up if the
/// image shrinks.
[[nodiscard]] Refusal upgrade_resize(Graph& graph, NodeId id);

}  // namespace ompq::graph
