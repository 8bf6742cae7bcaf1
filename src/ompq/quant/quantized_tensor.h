#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// A tensor as codes and their quantizer.
struct QuantizedTensor {
  QuantParams params;
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> codes;  ///< row-major, one code a byte, each < 2^bits
};

/// codes = clamp(round_half_even(x / scale) + zero_point, 0, 2^bits - 1); if levels are between
/// integers (levels.h), 1/2 is subtracted from x / scale.
/// @throws ShapeError if the number of scales does not match the granularity; DataError for NaN or
/// infinity.
[[nodiscard]] QuantizedTensor quantize(const Tensor& x, const QuantParams& params);
/// float32: scale * (code - zero_point), plus scale / 2 if levels are between integers.
[[nodiscard]] Tensor dequantize(const QuantizedTensor& q);
/// dequantize(quantize(x)).
[[nodiscard]] Tensor fake_quantize(const Tensor& x, const QuantParams& params);

/// A quantized tensor as integers: real = scale x level.
struct Int8Levels {
  std::vector<std::int8_t> levels;  ///< one for each code
  std::vector<float> scale;
  bool doubled = false;  ///< levels are odd numbers and scales are halves of the quantizer's
};

/// Code - zero point, or odd numbers with half of the scale if levels are between integers
/// (levels.h). Nullopt if one does not fit int8: with 8 bits and zero points other than 128.
[[nodiscard]] std::optional<Int8Levels> int8_levels(const QuantizedTensor& q);

}  // namespace ompq::quant
