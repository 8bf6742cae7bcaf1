#pragma once

#include <ATen/ATen.h>

namespace ompq::runtime {

/// The quantizer of a whole tensor: `scale` and the range of round(x / scale), which is the range
/// of the codes less the zero point.
struct Levels {
  float scale = 1.0F;
  float low = 0.0F;
  float high = 0.0F;
};

/// to = clamp(round_half_even(from / scale), low, high) * scale, in one pass on all threads.
/// @param from, to  float32, dense, of the same layout; may be the same tensor.
void snap_to_levels(const at::Tensor& from, const at::Tensor& to, const Levels& levels);

}  // namespace ompq::runtime
