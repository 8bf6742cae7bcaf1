#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ompq/core/element.h"
#include "ompq/quant/grid.h"

/// Passes over activations of a training step on dense memory with channels innermost
/// (channels_last). Work is divided into chunks of fixed size, whose sums are added in order, so
/// results do not depend on the number of threads. Arithmetic is float32, sums over chunks float64.
namespace ompq::training {

/// The operations on z, all optional:
///   v = z x scale[c] + shift[c] + residual
///   u = clamp(v, min, max)
///   y = quant::fake_quantized(u)
struct Epilogue {
  std::span<const float> scale;  ///< one per channel; empty: 1 and no shift
  std::span<const float> shift;
  const void* residual = nullptr;
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
  bool quantized = false;
  quant::Grid grid;
  /// See quant::fake_quantize_slope.
  float inside_slope = 1.0F;
};

/// Elements and channels: element i belongs to channel i % channels.
struct Extent {
  Element type = Element::Float32;
  std::int64_t count = 0;     ///< a multiple of `channels`
  std::int64_t channels = 1;  ///< 1 if there are no channels
};

struct ChannelSums {
  std::vector<double> first;   ///< of the element, or of the gradient
  std::vector<double> second;  ///< of its square, or of gradient x element
};

/// Sums of z and z^2 of each channel.
[[nodiscard]] ChannelSums channel_sums(const Extent& extent, const void* z);

void epilogue_forward(const Extent& extent, const Epilogue& epilogue, const void* z, void* y);

struct EpilogueGradients {
  ChannelSums sums;            ///< of dL/dv and of dL/dv x z; only if `scale` is given
  double step_gradient = 0.0;  ///< sum of dL/dy x d y/d step
};
/// dv = dL/dv from dy = dL/dy; dv may be dy. Straight-through, 0 if u or the levels clip.
EpilogueGradients epilogue_backward(
    const Extent& extent, const Epilogue& epilogue, const void* z, const void* dy, void* dv);

/// dz = dv x by_gradient[c] + z x by_value[c] + constant[c]; dz may be dv.
struct NormGradient {
  std::vector<float> by_gradient;
  std::vector<float> by_value;
  std::vector<float> constant;
};
void norm_backward(
    const Extent& extent, const NormGradient& factors, const void* z, const void* dv, void* dz);

/// Minimum and maximum of clamp(z x scale + shift + residual, min, max).
struct Range {
  float min = 0.0F;
  float max = 0.0F;
};
[[nodiscard]] Range epilogue_range(const Extent& extent, const Epilogue& epilogue, const void* z);

}  // namespace ompq::training
