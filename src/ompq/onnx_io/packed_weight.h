#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/onnx_io/file_size.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

/// A quantized constant as it lies in the file.
///
/// Codes are stored as signed numbers s = code - 2^(bits-1) in two's complement, so that symmetric
/// quantizers need no zero point: real = scale * s. `planes` is uint8 [bits, M], M = ceil(N / 8);
/// plane p holds bit p of every s, and bit j of byte i belongs to element j M + i. That order lets
/// one BitShift by [8, 1, 1] and one MatMul over the planes give all elements in their own order.
/// With 8 bits, `planes` is the elements themselves, int8.
struct PackedWeight {
  BitWidth bits{8};
  std::vector<std::int64_t> shape;
  std::string planes;
  Tensor scale;  ///< float32, shaped to broadcast along the weight's axis
  bool has_zero_point = false;
  Tensor zero_point;  ///< int8, as `scale`: zero point - 2^(bits-1)
};

/// @param name names the weight in errors.
/// @throws ConfigError for codes past the width, a wrong number of codes, scales or zero points, or
/// a symmetric quantizer whose zero point is not 2^(bits-1).
[[nodiscard]] PackedWeight pack_weight(const quant::QuantizedTensor& weight,
                                       const std::string& name);

/// As large as pack_weight's result for any weight of that plan and shape, with all bytes zero.
[[nodiscard]] PackedWeight blank_weight(const WeightPlan& plan,
                                        const std::vector<std::int64_t>& shape,
                                        const std::string& name);

}  // namespace ompq::onnx_io
