#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

#include "ompq/onnx_io/model_place.h"

namespace ompq::onnx_io {

/// Reads a tensor's external data. For security the path must be in the model's folder or below,
/// also after resolving symbolic links. Exception: if the model itself is a link (as in a cache of
/// downloads), the data may be links as well, or be next to the model's target.
/// @param expected_bytes  the size given by type and shape.
/// @throws ImportError naming the tensor and the file.
[[nodiscard]] std::vector<std::byte> read_external_data(const onnx::TensorProto& proto,
                                                        std::size_t expected_bytes,
                                                        const std::string& what,
                                                        const ModelPlace& place);

}  // namespace ompq::onnx_io
