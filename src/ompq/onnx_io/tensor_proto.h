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
/// complex numbers, 8-bit floats, integers of 4 and 2 bits; read_tensor widens the last to a byte).
[[nodiscard]] std::optional<DataType> data_type_from_onnx(int onnx_type);
[[nodiscard]] int data_type_to_onnx(DataType type);
/// "float16", "string", "type 42": for messages.
[[nodiscard]] std::string onnx_type_name(int onnx_type);

/// float32 for float16, bfloat16 and float64, else the same type: ompq computes in float32.
[[nodiscard]] DataType widened(DataType type);
[[nodiscard]] Tensor widened(const Tensor& tensor);

/// Bits of an element of int4 and uint4 (opset 21) and int2 and uint2 (opset 25), which are stored
/// several per byte; 0 for other types. Debian's ONNX has no names for them.
[[nodiscard]] int narrow_bits(int onnx_type);

/// Reads a tensor, widened (int4 and int2 to int8, uint4 and uint2 to uint8), from raw_data, a
/// typed field or an external file.
/// @param what  names it in errors, e.g. "initializer 'conv1.weight'".
/// @throws ImportError for an unsupported type, an invalid shape, the wrong number of elements, or
/// external data that is missing, too short or outside of the model's folder.
[[nodiscard]] Tensor read_tensor(const onnx::TensorProto& proto,
                                 const std::string& what,
                                 const ModelPlace& place);

/// Writes a tensor in the fewest bytes: raw_data, or varints where integers are small.
[[nodiscard]] onnx::TensorProto write_tensor(const Tensor& tensor, const std::string& name);

/// Writes int8 elements as int4 or int2 and uint8 elements as uint4 or uint2: two or four per byte,
/// the first one in the lowest bits.
/// @param bits  of an element, 4 or 2.
/// @throws InternalError for another type or an element that does not fit.
[[nodiscard]] onnx::TensorProto write_narrow_tensor(const Tensor& tensor,
                                                    const std::string& name,
                                                    int bits);

}  // namespace ompq::onnx_io
