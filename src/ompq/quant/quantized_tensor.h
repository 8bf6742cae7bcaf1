#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// A tensor as codes and the quantizer that reads them.
struct QuantizedTensor {
  QuantParams params;
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> codes;  ///< row-major, one code a byte, each < 2^bits
};

/// codes = clamp(round_half_even(x / scale) + zero_point, 0, 2^bits - 1); where levels lie between
/// whole numbers (levels.h), x / scale counts half a step less.
/// @throws ShapeError if the number of scales is not that of the granularity; DataError for NaN or
/// infinity.
[[nodiscard]] QuantizedTensor quantize(const Tensor& x, const QuantParams& params);
/// float32: scale * (code - zero_point), half a step more where levels lie between whole numbers.
[[nodiscard]] Tensor dequantize(const QuantizedTensor& q);
/// dequantize(quantize(x)).
[[nodiscard]] Tensor fake_quantize(const Tensor& x, const QuantParams& params);

}  // namespace ompq::quant
