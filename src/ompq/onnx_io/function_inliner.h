#pragma once

#include <string_view>

#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// An integer attribute of nodes that came from a function of another opset than the model's: the
/// opset that their operator belongs to.
inline constexpr std::string_view kOpsetNote = "ompq_opset";

/// Replaces every call of a function that the file itself defines by the function's nodes: nested
/// calls, calls within sub-networks, attributes that refer to the function's parameters and their
/// defaults, and operands that the call leaves out. Nodes and values of a call's body are named
/// after the call: "block_1/conv". Afterwards the model has no functions.
/// @throws ImportError for a function that calls itself, directly or through others, and for calls
/// that multiply to more nodes than a network can have.
void inline_functions(onnx::ModelProto& model, const ModelPlace& place);

}  // namespace ompq::onnx_io
