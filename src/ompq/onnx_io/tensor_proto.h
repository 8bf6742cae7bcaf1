#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

#include "ompq/core/tensor.h"
#include "ompq/onnx_io/model_place.h"

namespace ompq::onnx_io {

/// The element type for an ONNX type number; nullopt for types that ompq does not support (strings,
/// complex numbers, 8-bit floats, 4-bit integers; read_tensor widens the last to a byte).
[[nodiscard]] std::optional<DataType> data_type_from_onnx(int onnx_type);
[[nodiscard]] int data_type_to_onnx(DataType type);
/// "float16", "string", "type 42": for messages.
[[nodiscard]] std::string onnx_type_name(int onnx_type);

/// float32 for float16, bfloat16 and float64, else the same type: ompq computes in float32.
[[nodiscard]] DataType widened(DataType type);
[[nodiscard]] Tensor widened(const Tensor& tensor);

/// True for int4 and uint4 of opset 21, stored two per byte; Debian's ONNX has no names for them.
[[nodiscard]] bool is_four_bit(int onnx_type);

/// Reads a tensor, widened (int4 and uint4 to int8 and uint8), from raw_data, a typed field or an
/// external file.
/// @param what  names it in errors, e.g. "initializer 'conv1.weight'".
/// @throws ImportError for an unsupported type, an invalid shape, the wrong number of elements, or
/// external data that is missing, too short or outside of the model's folder.
[[nodiscard]] Tensor read_tensor(const onnx::TensorProto& proto,
                                 const std::string& what,
                                 const ModelPlace& place);

/// Writes a tensor in the fewest bytes: raw_data, or varints where integers are small.
[[nodiscard]] onnx::TensorProto write_tensor(const Tensor& tensor, const std::string& name);

/// Writes int8 elements in -8..7 as int4, uint8 elements in 0..15 as uint4: two per byte, the first
/// one in the low half. @throws InternalError for another type or an element outside of it.
[[nodiscard]] onnx::TensorProto write_four_bit_tensor(const Tensor& tensor,
                                                      const std::string& name);

}  // namespace ompq::onnx_io
