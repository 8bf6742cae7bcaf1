#pragma once

#include <string>

#include "ompq/core/error.h"
#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// An operator's error about the samples, with the network inputs on which `node` depends.
[[nodiscard]] std::string message_with_sources(const graph::Graph& graph,
                                               const graph::Node& node,
                                               const DataError& error);

}  // namespace ompq::runtime
