#pragma once

#include <string>

#include "ompq/graph/graph.h"

namespace ompq::testing {

/// The first thing in which two networks differ, in words; "" if they say the same: nodes in order,
/// their operands by name, attributes, the constants that they read, inputs, outputs and metadata.
/// Ids, constants that nobody reads and inferred shapes may differ.
[[nodiscard]] std::string difference(const graph::Graph& left, const graph::Graph& right);

}  // namespace ompq::testing
