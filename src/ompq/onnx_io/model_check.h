#pragma once

#include <string>
#include <string_view>

#include <onnx/onnx_pb.h>

#include "ompq/onnx_io/model_place.h"

/// What a file must be before its graph is read: an ONNX model of versions that are known.
namespace ompq::onnx_io {

/// True for the names of ONNX's own domain.
[[nodiscard]] bool is_onnx_domain(const std::string& domain);

/// @throws ImportError for bytes that are no protobuf of this kind.
[[nodiscard]] onnx::ModelProto parse_model(std::string_view bytes, const ModelPlace& place);

/// Distinguishes a model from other protobuf messages: most byte strings that parse lack one of the
/// fields that it looks for. @return the opset. @throws ImportError for a version that is not read.
[[nodiscard]] int check_model(const onnx::ModelProto& model, const ModelPlace& place);

/// The newest opset of the nodes that came from functions; 0 if there are none.
/// @throws ImportError for one that is not read.
[[nodiscard]] int newest_opset_note(const onnx::GraphProto& graph, const ModelPlace& place);

}  // namespace ompq::onnx_io
