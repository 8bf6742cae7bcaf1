#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/quant/short_scale.h"

namespace ompq::onnx_io {

/// A quantized constant as it lies in the file, where tables hold many of them (UnpackWriter).
///
/// Codes are stored as signed numbers s = code - 2^(bits-1) in two's complement, so that symmetric
/// quantizers need no zero point: real = scale * (s - signed zero point), or scale * (s + 1/2)
/// where no level is zero.
struct PackedWeight {
  BitWidth bits{8};
  std::vector<std::int64_t> shape;
  /// The low `bits` bits of every signed code, in the order of elements, and after them those of
  /// the signed zero points, if there are any.
  std::vector<std::uint8_t> codes;
  bool has_zero_point = false;
  float shift = 0.0F;        ///< of the levels; the same for all weights of a width
  std::vector<float> scale;  ///< one for each slice, or one in all
  /// Shape by which scales and zero points broadcast: the extent of the weight's axis, then ones;
  /// of a stack, the extents that count its members before it.
  std::vector<std::int64_t> broadcast;
  std::optional<quant::ScaleCodes> scale_codes;  ///< `scale` in a byte each, where that is exact
};

/// @param name names the weight in errors.
/// @throws ConfigError for codes past the width, a wrong number of codes, scales or zero points, or
/// a symmetric quantizer whose zero point is not 2^(bits-1).
[[nodiscard]] PackedWeight pack_weight(const quant::QuantizedTensor& weight,
                                       const std::string& name);

}  // namespace ompq::onnx_io
