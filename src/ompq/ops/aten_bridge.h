#pragma once

#include <optional>

#include <ATen/ATen.h>

#include "ompq/core/tensor.h"

namespace ompq::ops {

/// The LibTorch type that holds elements of `type`; 16-, 32- and 64-bit unsigned integers, which
/// LibTorch 1.13 lacks, are widened to int32, int64 and int64.
[[nodiscard]] at::ScalarType scalar_type_of(DataType type);
/// @throws InternalError for types that ompq has no name for.
[[nodiscard]] DataType data_type_of(at::ScalarType type);

/// The same bytes as a LibTorch tensor on the host, without a copy, kept alive by the result. They
/// must not be written to: operators never do.
[[nodiscard]] at::Tensor to_aten(const Tensor& tensor);

/// A row-major copy in host memory, converted to `type` if one is given.
[[nodiscard]] Tensor from_aten(const at::Tensor& tensor,
                               std::optional<DataType> type = std::nullopt);

}  // namespace ompq::ops
