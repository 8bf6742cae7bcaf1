#pragma once

#include <optional>
#include <span>
#include <string>

#include "ompq/graph/layers.h"
#include "ompq/rounding/block_graph.h"

namespace ompq::distillation {

/// Why a network cannot be tuned as a whole; nullopt if it can.
[[nodiscard]] std::optional<std::string> unsupported_reason(const graph::Graph& graph);

/// The network up to the value that the loss compares, its first output: the logits of the classes;
/// otherwise the first output, or the floats that it is computed from. Its further outputs are
/// those of `blocks` that are inside and have samples first.
/// @throws ConfigError with unsupported_reason().
[[nodiscard]] rounding::PartGraph distilled_network(const graph::Graph& graph,
                                                    std::span<const graph::Block> blocks);

}  // namespace ompq::distillation
