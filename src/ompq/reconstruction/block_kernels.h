#pragma once

#include <cstdint>
#include <limits>

#include "ompq/core/element.h"
#include "ompq/quant/grid.h"

/// Element-wise passes of reconstruction over dense memory, single-threaded.
namespace ompq::reconstruction {

/// Bounds of clipped values: a ReLU is 0..infinity.
struct Bounds {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  [[nodiscard]] bool any() const {
    return low > -std::numeric_limits<float>::infinity() ||
           high < std::numeric_limits<float>::infinity();
  }
  bool operator==(const Bounds&) const = default;
};

/// Random dropping of quantization: an element keeps its float value with this probability.
/// Stateless, so that the backward pass draws the same as the forward pass.
/// Source: Wei et al. 2022 (QDrop).
struct Drop {
  std::uint32_t seed = 0;
  std::uint32_t threshold = 0;  ///< probability x 2^32; 0 drops nothing
  std::uint32_t first = 0;      ///< index of the first element in the stream of `seed`
};
[[nodiscard]] std::uint32_t drop_threshold(double probability);

/// y = quant::fake_quantized(x), where `drop` does not keep x; y may be x.
void fake_quantize(Element type,
                   const void* x,
                   void* y,
                   std::int64_t count,
                   const quant::Grid& grid,
                   const Drop& drop);

/// Backward pass of fake_quantize, in place: gradient x 1 where quant::fake_quantize_slope() passes
/// or the element was dropped, and inside of `bounds`, which cut x before; x 0 elsewhere.
/// @return the gradient of the scale: sum of gradient x slope by the scale, of what was not
/// dropped.
double fake_quantize_backward(Element type,
                              const void* x,
                              void* gradient,
                              std::int64_t count,
                              const quant::Grid& grid,
                              const Drop& drop,
                              const Bounds& bounds);

/// y = bounded(a + b).
void add_bounded(
    Element type, const void* a, const void* b, void* y, std::int64_t count, const Bounds& bounds);
/// y = bounded(x).
void apply_bounds(Element type, const void* x, void* y, std::int64_t count, const Bounds& bounds);
/// Gradient x 0 if y, the bounded value, is at a bound.
void mask_bounded(
    Element type, const void* y, void* gradient, std::int64_t count, const Bounds& bounds);
/// sum += x.
void accumulate(Element type, void* sum, const void* x, std::int64_t count);
/// sums[c] += every element of channel c of x [rows, channels].
void accumulate_channels(
    Element type, const void* x, std::int64_t rows, std::int64_t channels, float* sums);

/// A row of a SampleCache as stored.
struct CachedRow {
  const std::int16_t* levels = nullptr;
  float scale = 1.0F;
};

/// x = the cached row; with `other`, dropped elements are taken from there.
void load_row(Element type,
              void* x,
              std::int64_t count,
              const CachedRow& row,
              const CachedRow* other,
              const Drop& drop);

/// gradient = 2 factor weight^2 (y - target), with weight 1 if there are no weights.
/// @return sum of weight^2 (y - target)^2.
double squared_error(Element type,
                     const void* y,
                     void* gradient,
                     std::int64_t count,
                     const CachedRow& target,
                     const CachedRow* weight,
                     float factor);

/// gradient = factor (softmax(y) - softmax(target)).
/// @return the divergence of softmax(y) from softmax(target), in nats.
double divergence(Element type,
                  const void* y,
                  void* gradient,
                  std::int64_t count,
                  const CachedRow& target,
                  float factor);

}  // namespace ompq::reconstruction
