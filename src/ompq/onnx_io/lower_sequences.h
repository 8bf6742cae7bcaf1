#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Removes intermediate sequences of tensors: SequenceAt with a constant index of a
/// SequenceConstruct or of a SplitToSequence with constant sizes, and ConcatFromSequence of a
/// SequenceConstruct. Sequences with other uses are kept, for the operator check to report. Unused
/// producers of sequences are kept; inference drops them.
/// @return true if anything changed; the graph must be sorted then.
bool lower_sequences(graph::Graph& graph);

}  // namespace ompq::onnx_io
