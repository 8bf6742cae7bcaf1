#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// True for an embedding table whose rows can be decoded after the lookup, so that the whole table
/// is never decoded: a large matrix that is read only by Gathers along axis 0 with indices of known
/// rank. For small tables the extra nodes are not worth it.
[[nodiscard]] bool only_gathers_read(const graph::Graph& graph, graph::ValueId table);

}  // namespace ompq::onnx_io
