#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

#include "ompq/core/tensor.h"

namespace ompq::onnx_io {

/// Where a model came from: what errors call it, and the folder that external data may lie in.
struct ModelPlace {
  std::string name;
  std::optional<std::filesystem::path> folder;
};

/// The element type for an ONNX type number; nothing for those that ompq does not hold (strings,
/// complex numbers, 8-bit floats, 4-bit integers).
[[nodiscard]] std::optional<DataType> data_type_from_onnx(int onnx_type);
[[nodiscard]] int data_type_to_onnx(DataType type);
/// "float16", "string", "type 42": for messages.
[[nodiscard]] std::string onnx_type_name(int onnx_type);

/// float16 and bfloat16 become float32, all else stays: ompq computes in float32.
[[nodiscard]] DataType widened(DataType type);
[[nodiscard]] Tensor widened(const Tensor& tensor);

/// Reads a tensor, widened, from raw_data, a typed field or an external file.
/// @param what names it in errors, e.g. "initializer 'conv1.weight'".
/// @throws ImportError for an unknown type, a bad shape, the wrong number of elements, or external
/// data that is missing, too short or outside of the model's folder.
[[nodiscard]] Tensor read_tensor(const onnx::TensorProto& proto,
                                 const std::string& what,
                                 const ModelPlace& place);

/// Writes a tensor in the fewest bytes: raw_data, or varints where integers are small.
[[nodiscard]] onnx::TensorProto write_tensor(const Tensor& tensor, const std::string& name);

}  // namespace ompq::onnx_io
