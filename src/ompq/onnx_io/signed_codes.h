#pragma once

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Makes the uint8 codes of activations int8: codes, their bounds and zero points are 128 less, and
/// the numbers that they represent are the same. Codes of constants are unchanged.
void make_codes_signed(graph::Graph& graph);

}  // namespace ompq::onnx_io
