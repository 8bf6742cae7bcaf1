#include "ompq/ops/aten_bridge.h"

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::ops {

at::ScalarType scalar_type_of(DataType type) {
  switch (type) {
    case DataType::Float32:
      return at::kFloat;
    case DataType::Float16:
      return at::kHalf;
    case DataType::BFloat16:
      return at::kBFloat16;
    case DataType::Float64:
      return at::kDouble;
    case DataType::Int8:
      return at::kChar;
    case DataType::UInt8:
      return at::kByte;
    case DataType::Int16:
      return at::kShort;
    case DataType::UInt16:
    case DataType::Int32:
      return at::kInt;
    case DataType::UInt32:
    case DataType::Int64:
    case DataType::UInt64:
      return at::kLong;
    case DataType::Bool:
      return at::kBool;
  }
  throw InternalError("ops", "unknown element type");
}

DataType data_type_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return DataType::Float32;
    case at::kHalf:
      return DataType::Float16;
    case at::kBFloat16:
      return DataType::BFloat16;
    case at::kDouble:
      return DataType::Float64;
    case at::kChar:
      return DataType::Int8;
    case at::kByte:
      return DataType::UInt8;
    case at::kShort:
      return DataType::Int16;
    case at::kInt:
      return DataType::Int32;
    case at::kLong:
      return DataType::Int64;
    case at::kBool:
      return DataType::Bool;
    default:
      throw InternalError("ops", fmt::format("no name for LibTorch type {}", c10::toString(type)));
  }
}

at::Tensor to_aten(const Tensor& tensor) {
  switch (tensor.type()) {
    case DataType::UInt16:
      return to_aten(tensor.converted_to(DataType::Int32));
    case DataType::UInt32:
    case DataType::UInt64:
      return to_aten(tensor.converted_to(DataType::Int64));
    default:
      break;
  }
  const auto options = at::TensorOptions().dtype(scalar_type_of(tensor.type()));
  if (tensor.elements() == 0) return at::empty(tensor.shape(), options);
  // LibTorch has no read-only tensors; the copy in the deleter keeps the bytes alive and shared, so
  // that a later mutable_bytes() of the original does not change them.
  auto* bytes = const_cast<std::byte*>(tensor.bytes().data());  // NOLINT
  return at::from_blob(
      bytes, tensor.shape(), [keep = tensor](void*) {}, options);
}

Tensor from_aten(const at::Tensor& tensor, std::optional<DataType> type) {
  const at::Tensor host = tensor.detach().to(at::kCPU).contiguous();
  const auto* bytes = static_cast<const std::byte*>(host.data_ptr());
  const Tensor copied = Tensor::from_bytes(data_type_of(host.scalar_type()),
                                           host.sizes().vec(),
                                           {bytes, static_cast<std::size_t>(host.nbytes())});
  return type ? copied.converted_to(*type) : copied;
}

}  // namespace ompq::ops
