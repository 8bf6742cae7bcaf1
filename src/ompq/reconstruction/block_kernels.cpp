#include "ompq/reconstruction/block_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <vector>

#include "ompq/quant/fake_quantize.h"
#include "ompq/quant/simd.h"
#include "ompq/scores/class_scores.h"

// Each pass is an inline body for both types, called from a plain function that is compiled for
// every vector width, since function clones cannot be templates.

namespace ompq::reconstruction {
namespace {

using Narrow = NarrowElement;

template <typename T>
const T* as(const void* data) {
  return static_cast<const T*>(data);
}
template <typename T>
T* as(void* data) {
  return static_cast<T*>(data);
}

/// A 32-bit hash of each index (the finalizer of MurmurHash3).
OMPQ_INLINE std::uint32_t mixed(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x85ebca6bU;
  x ^= x >> 13;
  x *= 0xc2b2ae35U;
  return x ^ (x >> 16);
}
OMPQ_INLINE bool dropped(const Drop& drop, std::int64_t i) {
  const std::uint32_t index = drop.first + static_cast<std::uint32_t>(i);
  return mixed(index * 0x9e3779b1U + drop.seed) < drop.threshold;
}

OMPQ_INLINE float bounded(float x, const Bounds& bounds) {
  const float above = x > bounds.low ? x : bounds.low;
  return above < bounds.high ? above : bounds.high;
}
OMPQ_INLINE bool inside(float y, const Bounds& bounds) { return y > bounds.low && y < bounds.high; }

template <bool kDrop, typename T>
OMPQ_INLINE void quantize_body(
    const T* x, T* y, std::int64_t count, const quant::Grid& given, const Drop& drop_given) {
  const quant::Grid grid = quant::equally_spaced(given);  // of an activation
  const Drop drop = drop_given;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = load_element(x + i);
    const float snapped = quant::fake_quantized(value, grid);
    store_element(y + i, kDrop && dropped(drop, i) ? value : snapped);
  }
}

template <bool kDrop, typename T>
OMPQ_INLINE double quantize_backward_body(const T* x,
                                          T* gradient,
                                          std::int64_t count,
                                          const quant::Grid& given,
                                          const Drop& drop_given,
                                          const Bounds& bounds_given) {
  const quant::Grid grid = quant::equally_spaced(given);  // of an activation
  const Drop drop = drop_given;
  const Bounds bounds = bounds_given;
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = load_element(x + i);
    const float g = load_element(gradient + i);
    const auto slope = quant::fake_quantize_slope(value, grid);
    const bool as_is = kDrop && dropped(drop, i);
    sum += as_is ? 0.0F : slope.by_scale * g;
    store_element(gradient + i,
                  (slope.passes != 0.0F || as_is) && inside(value, bounds) ? g : 0.0F);
  }
  return sum;
}

template <typename T>
OMPQ_INLINE void add_body(
    const T* a, const T* b, T* y, std::int64_t count, const Bounds& bounds_given) {
  const Bounds bounds = bounds_given;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i)
    store_element(y + i, bounded(load_element(a + i) + load_element(b + i), bounds));
}

template <typename T>
OMPQ_INLINE void bounds_body(const T* x, T* y, std::int64_t count, const Bounds& bounds_given) {
  const Bounds bounds = bounds_given;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i)
    store_element(y + i, bounded(load_element(x + i), bounds));
}

template <typename T>
OMPQ_INLINE void mask_body(const T* y, T* gradient, std::int64_t count, const Bounds& given) {
  const Bounds bounds = given;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    gradient[i] = inside(load_element(y + i), bounds) ? gradient[i] : T{0};
  }
}

template <typename T>
OMPQ_INLINE void accumulate_body(T* sum, const T* x, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i)
    store_element(sum + i, load_element(sum + i) + load_element(x + i));
}

template <typename T>
OMPQ_INLINE void channels_body(const T* x, std::int64_t rows, std::int64_t channels, float* sums) {
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4, x += 4 * channels) {
    const T* a = x;
    const T* b = a + channels;
    const T* c = b + channels;
    const T* d = c + channels;
#pragma omp simd
    for (std::int64_t i = 0; i < channels; ++i) {
      sums[i] +=
          (load_element(a + i) + load_element(b + i)) + (load_element(c + i) + load_element(d + i));
    }
  }
  for (; row < rows; ++row, x += channels) {
#pragma omp simd
    for (std::int64_t i = 0; i < channels; ++i) sums[i] += load_element(x + i);
  }
}

template <bool kMix, typename T>
OMPQ_INLINE void load_body(
    T* x, std::int64_t count, CachedRow row, CachedRow other, const Drop& drop_given) {
  const Drop drop = drop_given;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float own = static_cast<float>(row.levels[i]) * row.scale;
    if constexpr (kMix) {
      const float mixed_in = static_cast<float>(other.levels[i]) * other.scale;
      store_element(x + i, dropped(drop, i) ? mixed_in : own);
    } else {
      store_element(x + i, own);
    }
  }
}

template <bool kWeighted, typename T>
OMPQ_INLINE double error_body(
    const T* y, T* gradient, std::int64_t count, CachedRow target, CachedRow weight, float factor) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    const float difference =
        load_element(y + i) - static_cast<float>(target.levels[i]) * target.scale;
    float weighted = difference;
    if constexpr (kWeighted) {
      const float root = static_cast<float>(weight.levels[i]) * weight.scale;
      weighted *= root * root;
    }
    sum += weighted * difference;
    store_element(gradient + i, 2.0F * factor * weighted);
  }
  return sum;
}

// --- the clones ---------------------------------------------------------------------------------

template <typename T>
OMPQ_INLINE void quantize_any(
    const T* x, T* y, std::int64_t count, const quant::Grid& grid, const Drop& drop) {
  if (drop.threshold == 0) return quantize_body<false>(x, y, count, grid, drop);
  quantize_body<true>(x, y, count, grid, drop);
}

template <typename T>
OMPQ_INLINE double backward_any(const T* x,
                                T* gradient,
                                std::int64_t count,
                                const quant::Grid& grid,
                                const Drop& drop,
                                const Bounds& bounds) {
  if (drop.threshold == 0) {
    return quantize_backward_body<false>(x, gradient, count, grid, drop, bounds);
  }
  return quantize_backward_body<true>(x, gradient, count, grid, drop, bounds);
}

OMPQ_VECTOR_CLONES double backward_piece(Element type,
                                         const void* x,
                                         void* gradient,
                                         std::int64_t first,
                                         std::int64_t count,
                                         const quant::Grid& grid,
                                         const Drop& drop,
                                         const Bounds& bounds) {
  if (type == Element::BFloat16) {
    return backward_any(
        as<Narrow>(x) + first, as<Narrow>(gradient) + first, count, grid, drop, bounds);
  }
  return backward_any(as<float>(x) + first, as<float>(gradient) + first, count, grid, drop, bounds);
}

template <typename T>
OMPQ_INLINE double error_any(const T* y,
                             T* gradient,
                             std::int64_t first,
                             std::int64_t count,
                             const CachedRow& target,
                             const CachedRow* weight,
                             float factor) {
  const CachedRow t{target.levels + first, target.scale};
  if (weight == nullptr) return error_body<false>(y + first, gradient + first, count, t, t, factor);
  const CachedRow w{weight->levels + first, weight->scale};
  return error_body<true>(y + first, gradient + first, count, t, w, factor);
}

OMPQ_VECTOR_CLONES double error_piece(Element type,
                                      const void* y,
                                      void* gradient,
                                      std::int64_t first,
                                      std::int64_t count,
                                      const CachedRow& target,
                                      const CachedRow* weight,
                                      float factor) {
  if (type == Element::BFloat16) {
    return error_any(as<Narrow>(y), as<Narrow>(gradient), first, count, target, weight, factor);
  }
  return error_any(as<float>(y), as<float>(gradient), first, count, target, weight, factor);
}

template <typename T>
OMPQ_INLINE void load_any(
    T* x, std::int64_t count, const CachedRow& row, const CachedRow* other, const Drop& drop) {
  if (other == nullptr) return load_body<false>(x, count, row, row, drop);
  load_body<true>(x, count, row, *other, drop);
}

// Long sums are split into parts, so that float32 is accurate enough.
constexpr std::int64_t kPiece = 1 << 14;

}  // namespace

std::uint32_t drop_threshold(double probability) {
  return static_cast<std::uint32_t>(std::min(probability * 0x1.0p32, 0x1.0p32 - 1.0));
}

OMPQ_VECTOR_CLONES void fake_quantize(Element type,
                                      const void* x,
                                      void* y,
                                      std::int64_t count,
                                      const quant::Grid& grid,
                                      const Drop& drop) {
  if (type == Element::BFloat16)
    return quantize_any(as<Narrow>(x), as<Narrow>(y), count, grid, drop);
  quantize_any(as<float>(x), as<float>(y), count, grid, drop);
}

double fake_quantize_backward(Element type,
                              const void* x,
                              void* gradient,
                              std::int64_t count,
                              const quant::Grid& grid,
                              const Drop& drop,
                              const Bounds& bounds) {
  double sum = 0.0;
  for (std::int64_t at = 0; at < count; at += kPiece) {
    const Drop shifted{drop.seed, drop.threshold, drop.first + static_cast<std::uint32_t>(at)};
    const std::int64_t piece = std::min(kPiece, count - at);
    sum += backward_piece(type, x, gradient, at, piece, grid, shifted, bounds);
  }
  return sum;
}

OMPQ_VECTOR_CLONES void add_bounded(
    Element type, const void* a, const void* b, void* y, std::int64_t count, const Bounds& bounds) {
  if (type == Element::BFloat16) {
    return add_body(as<Narrow>(a), as<Narrow>(b), as<Narrow>(y), count, bounds);
  }
  add_body(as<float>(a), as<float>(b), as<float>(y), count, bounds);
}

OMPQ_VECTOR_CLONES void apply_bounds(
    Element type, const void* x, void* y, std::int64_t count, const Bounds& bounds) {
  if (type == Element::BFloat16) return bounds_body(as<Narrow>(x), as<Narrow>(y), count, bounds);
  bounds_body(as<float>(x), as<float>(y), count, bounds);
}

OMPQ_VECTOR_CLONES void mask_bounded(
    Element type, const void* y, void* gradient, std::int64_t count, const Bounds& bounds) {
  if (type == Element::BFloat16) {
    return mask_body(as<Narrow>(y), as<Narrow>(gradient), count, bounds);
  }
  mask_body(as<float>(y), as<float>(gradient), count, bounds);
}

OMPQ_VECTOR_CLONES void accumulate(Element type, void* sum, const void* x, std::int64_t count) {
  if (type == Element::BFloat16) return accumulate_body(as<Narrow>(sum), as<Narrow>(x), count);
  accumulate_body(as<float>(sum), as<float>(x), count);
}

OMPQ_VECTOR_CLONES void accumulate_channels(
    Element type, const void* x, std::int64_t rows, std::int64_t channels, float* sums) {
  if (type == Element::BFloat16) return channels_body(as<Narrow>(x), rows, channels, sums);
  channels_body(as<float>(x), rows, channels, sums);
}

OMPQ_VECTOR_CLONES void load_row(Element type,
                                 void* x,
                                 std::int64_t count,
                                 const CachedRow& row,
                                 const CachedRow* other,
                                 const Drop& drop) {
  if (type == Element::BFloat16) return load_any(as<Narrow>(x), count, row, other, drop);
  load_any(as<float>(x), count, row, other, drop);
}

double squared_error(Element type,
                     const void* y,
                     void* gradient,
                     std::int64_t count,
                     const CachedRow& target,
                     const CachedRow* weight,
                     float factor) {
  double sum = 0.0;
  for (std::int64_t at = 0; at < count; at += kPiece) {
    const std::int64_t piece = std::min(kPiece, count - at);
    sum += error_piece(type, y, gradient, at, piece, target, weight, factor);
  }
  return sum;
}

double divergence(Element type,
                  const void* y,
                  void* gradient,
                  std::int64_t count,
                  const CachedRow& target,
                  float factor) {
  const auto n = static_cast<std::size_t>(count);
  std::vector<float> made(n);
  std::vector<float> wanted(n);
  for (std::size_t i = 0; i < n; ++i) {
    made[i] = type == Element::BFloat16 ? load_element(as<Narrow>(y) + i)
                                        : load_element(as<float>(y) + i);
    wanted[i] = static_cast<float>(target.levels[i]) * target.scale;
  }
  scores::log_softmax(std::span(made));
  scores::log_softmax(std::span(wanted));
  for (std::size_t i = 0; i < n; ++i) {
    const float slope = factor * (std::exp(made[i]) - std::exp(wanted[i]));
    if (type == Element::BFloat16) {
      store_element(as<Narrow>(gradient) + i, slope);
    } else {
      as<float>(gradient)[i] = slope;
    }
  }
  return scores::divergence(std::span<const float>(wanted), std::span<const float>(made));
}

}  // namespace ompq::reconstruction
