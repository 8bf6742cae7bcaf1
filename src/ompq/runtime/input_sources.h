#pragma once

#include <string>

#include "ompq/core/error.h"
#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// What an operator says about the samples, with the network's inputs that `node` depends on.
[[nodiscard]] std::string message_with_sources(const graph::Graph& graph,
                                               const graph::Node& node,
                                               const DataError& error);

}  // namespace ompq::runtime
