#pragma once

#include <cstdint>
#include <optional>

#include <ATen/ATen.h>

#include "ompq/reconstruction/block_kernels.h"

/// Differentiable quantizers on LibTorch tensors, for training whole networks; reconstruction runs
/// the same arithmetic inside of its own passes (block_kernels.h, block_rounding.h).
namespace ompq::reconstruction {

struct FakeQuantizeOptions {
  float low = 0.0F;     ///< least level: -zero point
  float high = 255.0F;  ///< greatest level: 2^bits - 1 - zero point
  /// Axis along which the steps lie; none: one step for the tensor.
  std::optional<std::int64_t> axis;
  /// Factor on the step's gradient, see lsq_gradient_scale().
  double gradient_scale = 1.0;
  /// Elements that stay float; for one step alone.
  Drop drop;
};

/// y = step x round_half_even(clamp(x / step, low, high)).
///
/// Backward, straight through: x gets the gradient where x / step lies in low..high (and where an
/// element was dropped), the step gets gradient x (round(r) - r) inside, x low or x high outside,
/// r = x / step, summed over its elements and times gradient_scale.
/// @param x     float32 or bfloat16, any shape.
/// @param step  float32, positive; one element, or as many as x has slices along the axis.
/// @throws ShapeError if the steps do not fit.
/// Source: Esser et al. 2020 (LSQ), eq. 1 to 3; Wei et al. 2022 for dropping.
[[nodiscard]] at::Tensor fake_quantize(const at::Tensor& x,
                                       const at::Tensor& step,
                                       const FakeQuantizeOptions& options);

/// 1 / sqrt(elements x high): balances a step's update with that of the values that it quantizes.
/// Source: Esser et al. 2020, section 2.2.
[[nodiscard]] double lsq_gradient_scale(std::int64_t elements, float high);

}  // namespace ompq::reconstruction
