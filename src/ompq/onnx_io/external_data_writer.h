#pragma once

#include <string>

#include <onnx/onnx_pb.h>

namespace ompq::onnx_io {

/// Moves every constant of at least a page out of `model` and says there where it lies: in the file
/// `location` next to the model, from a multiple of the page size on, so that a runtime can map it.
/// @return the content of that file, in the order of the constants; empty if there is none so
/// large.
[[nodiscard]] std::string move_out_big_tensors(onnx::ModelProto& model,
                                               const std::string& location);

}  // namespace ompq::onnx_io
