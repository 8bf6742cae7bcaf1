#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

#include "ompq/onnx_io/model_place.h"

namespace ompq::onnx_io {

/// The bytes that a tensor keeps in a file of its own. Its name must lead to a place in the model's
/// folder or below: a model must not read what its owner did not put next to it. So must symbolic
/// links, unless the model itself is one: then a cache keeps every file elsewhere and made the
/// links, or the data lie next to the file that the link leads to.
/// @param expected_bytes what type and shape ask for.
/// @throws ImportError naming the tensor and the file.
[[nodiscard]] std::vector<std::byte> read_external_data(const onnx::TensorProto& proto,
                                                        std::size_t expected_bytes,
                                                        const std::string& what,
                                                        const ModelPlace& place);

}  // namespace ompq::onnx_io
