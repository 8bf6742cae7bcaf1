#pragma once

#include <ATen/ATen.h>

#include "ompq/quant/grid.h"

namespace ompq::runtime {

/// to = quant::fake_quantized(from, grid), in one pass on all threads.
/// @param from, to  float32, dense, of the same layout; may be the same tensor.
void fake_quantize(const at::Tensor& from, const at::Tensor& to, const quant::Grid& grid);

}  // namespace ompq::runtime
