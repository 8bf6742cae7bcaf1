#pragma once

#include <string_view>

#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// An integer attribute of nodes from a function with another opset than the model's: the node's
/// opset.
inline constexpr std::string_view kOpsetNote = "ompq_opset";

/// Inlines all calls of functions that the file defines, including nested calls, calls in
/// sub-networks, attributes that refer to the function's parameters and their defaults, and omitted
/// operands. Nodes and values of a call's body are named after the call: "block_1/conv". Afterwards
/// the model has no functions.
/// @throws ImportError for a recursive function, and for calls that expand to too many nodes.
void inline_functions(onnx::ModelProto& model, const ModelPlace& place);

}  // namespace ompq::onnx_io
