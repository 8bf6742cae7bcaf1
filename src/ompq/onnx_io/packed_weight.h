#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/quant/short_scale.h"

namespace ompq::onnx_io {

/// A quantized constant as stored in the file, in tables with others (UnpackWriter).
///
/// Codes are stored as signed numbers s = code - 2^(bits-1) in two's complement, so that symmetric
/// quantizers need no zero point: real = scale * (s - signed zero point), or scale * (s + 1/2) if
/// no level is zero. With normal levels, real = scale * (level of s - zero point), where zero
/// points are stored in steps of quant::kNormalShiftStep.
struct PackedWeight {
  BitWidth bits{8};
  std::vector<std::int64_t> shape;
  bool has_normal_levels = false;
  /// The low `bits` bits of every signed code, in element order.
  std::vector<std::uint8_t> codes;
  /// The low `zero_point_bits` bits of the signed zero points, if there are any.
  std::vector<std::uint8_t> zero_points;
  BitWidth zero_point_bits{8};
  [[nodiscard]] bool has_zero_point() const { return !zero_points.empty(); }
  float shift = 0.0F;        ///< of the levels, see quant::level_shift()
  std::vector<float> scale;  ///< one per slice, or a single one
  /// Shape with which scales and zero points broadcast: the extent of the weight's axis, then ones;
  /// for a stack, preceded by the extents of its axes.
  std::vector<std::int64_t> broadcast;
  std::optional<quant::ScaleCodes> scale_codes;  ///< `scale` in one byte each, if that is exact
};

/// @param name  of the weight, for errors.
/// @throws ConfigError for codes that do not fit the width, a wrong number of codes, scales or zero
/// points, or a symmetric quantizer whose zero point is not 2^(bits-1).
[[nodiscard]] PackedWeight pack_weight(const quant::QuantizedTensor& weight,
                                       const std::string& name);

}  // namespace ompq::onnx_io
