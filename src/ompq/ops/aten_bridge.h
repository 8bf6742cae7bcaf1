#pragma once

#include <optional>

#include <ATen/ATen.h>

#include "ompq/core/tensor.h"

namespace ompq::ops {

/// The LibTorch type for elements of `type`; 16-, 32- and 64-bit unsigned integers, which LibTorch
/// 1.13 lacks, become int32, int64 and int64.
[[nodiscard]] at::ScalarType scalar_type_of(DataType type);
/// @throws InternalError for types that ompq does not have.
[[nodiscard]] DataType data_type_of(at::ScalarType type);

/// A LibTorch tensor that shares the bytes and keeps them alive. It must not be written to;
/// operators never do.
[[nodiscard]] at::Tensor to_aten(const Tensor& tensor);

/// A row-major copy in host memory, converted to `type` if one is given.
[[nodiscard]] Tensor from_aten(const at::Tensor& tensor,
                               std::optional<DataType> type = std::nullopt);

}  // namespace ompq::ops
