#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Lets tensors go straight where a sequence of them only stands between: what SequenceAt takes at
/// a constant place of a SequenceConstruct, or of a SplitToSequence by constant sizes, and what
/// ConcatFromSequence joins of a SequenceConstruct. Sequences of other uses stay, for the operator
/// check. Makers of sequences that nobody reads any more stay, too; inference drops them.
/// @return true if anything changed; the graph must be sorted then.
bool lower_sequences(graph::Graph& graph);

}  // namespace ompq::onnx_io
