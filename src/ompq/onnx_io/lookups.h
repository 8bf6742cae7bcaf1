#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// True for the table of an embedding whose rows can be decoded after they are looked up: a large
/// matrix that nothing but Gathers along axis 0 reads, by indices whose rank is known. A runtime
/// then never decodes the whole table. Small ones are not worth the nodes.
[[nodiscard]] bool is_looked_up_alone(const graph::Graph& graph, graph::ValueId table);

}  // namespace ompq::onnx_io
