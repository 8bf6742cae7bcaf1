#pragma once

#include <string>

#include <onnx/onnx_pb.h>

namespace ompq::onnx_io {

/// Moves every constant of at least a page from `model` into external data: the file `location`
/// next to the model, at offsets that are multiples of the page size, so that a runtime can map it.
/// @return the content of that file, in the order of the constants; empty if no constant is so
/// large.
[[nodiscard]] std::string move_out_big_tensors(onnx::ModelProto& model,
                                               const std::string& location);

}  // namespace ompq::onnx_io
