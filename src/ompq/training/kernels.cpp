#include "ompq/training/kernels.h"

#include <algorithm>
#include <bit>

#include "ompq/quant/fake_quantize.h"
#include "ompq/quant/simd.h"

// Each pass is an inline body for both types, called from a plain function that is compiled for
// every vector width, since function clones cannot be templates.

namespace ompq::training {
namespace {

using Narrow = NarrowElement;

/// Channels are repeated up to a tile of at least this many elements, so that inner loops are long.
constexpr std::int64_t kTile = 128;
constexpr std::int64_t kChunk = 16384;  ///< elements of a chunk, in whole tiles

/// Division of the elements: chunks of whole tiles, tiles of whole rows of channels.
struct Cut {
  std::int64_t tile = 1;
  std::int64_t chunk = 1;
  std::int64_t chunks = 0;
};
Cut cut_of(const Extent& extent) {
  Cut cut;
  cut.tile = extent.channels * ((kTile + extent.channels - 1) / extent.channels);
  cut.chunk = cut.tile * std::max<std::int64_t>(1, kChunk / cut.tile);
  cut.chunks = (extent.count + cut.chunk - 1) / cut.chunk;
  return cut;
}

std::vector<float> repeated(std::span<const float> values, std::int64_t tile) {
  std::vector<float> tiled(static_cast<std::size_t>(tile));
  for (std::size_t i = 0; i < tiled.size(); ++i) tiled[i] = values[i % values.size()];
  return tiled;
}

/// One chunk of a pass, with everything the loops need in plain pointers.
struct Task {
  Element type = Element::Float32;
  bool affine = false;
  bool residual = false;
  Epilogue epilogue;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t tile = 1;
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* third = nullptr;  ///< norm_backward's constant
  const void* z = nullptr;
  const void* in = nullptr;  ///< gradient
  void* out = nullptr;
  float* first = nullptr;   ///< [tile] sums
  float* second = nullptr;  ///< [tile] sums
};

template <typename T>
OMPQ_INLINE void sums_body(const Task& t) {
  const T* z = static_cast<const T*>(t.z);
  for (std::int64_t at = t.begin; at < t.end; at += t.tile) {
    const std::int64_t count = std::min(t.tile, t.end - at);
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = load_element(z + at + i);
      t.first[i] += value;
      t.second[i] += value * value;
    }
  }
}

template <bool kAffine, bool kResidual, typename T>
OMPQ_INLINE float value_at(const Task& t, const T* z, const T* r, std::int64_t at, std::int64_t i) {
  float v = load_element(z + at + i);
  if (kAffine) v = v * t.scale[i] + t.shift[i];
  if (kResidual) v += load_element(r + at + i);
  return v;
}
OMPQ_INLINE float clamped(float v, float min, float max) {
  // These comparisons propagate NaN, which must reach the loss.
  const float above = v < min ? min : v;
  return above > max ? max : above;
}

template <bool kAffine, bool kResidual, bool kQuantized, typename T>
OMPQ_INLINE void forward_body(const Task& given) {
  const Task t = given;
  const T* z = static_cast<const T*>(t.z);
  const T* r = static_cast<const T*>(t.epilogue.residual);
  T* y = static_cast<T*>(t.out);
  const float min = t.epilogue.min;
  const float max = t.epilogue.max;
  const quant::Grid grid = quant::equally_spaced(t.epilogue.grid);
  for (std::int64_t at = t.begin; at < t.end; at += t.tile) {
    const std::int64_t count = std::min(t.tile, t.end - at);
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
      float u = clamped(value_at<kAffine, kResidual>(t, z, r, at, i), min, max);
      if (kQuantized) u = quant::fake_quantized(u, grid);
      store_element(y + at + i, u);
    }
  }
}

template <bool kAffine, bool kResidual, bool kQuantized, typename T>
OMPQ_INLINE double backward_body(const Task& given) {
  const Task t = given;
  const T* z = static_cast<const T*>(t.z);
  const T* r = static_cast<const T*>(t.epilogue.residual);
  const T* dy = static_cast<const T*>(t.in);
  T* dv = static_cast<T*>(t.out);
  const float min = t.epilogue.min;
  const float max = t.epilogue.max;
  const float slope_inside = t.epilogue.inside_slope;
  const quant::Grid grid = quant::equally_spaced(t.epilogue.grid);
  double step_gradient = 0.0;
  for (std::int64_t at = t.begin; at < t.end; at += t.tile) {
    const std::int64_t count = std::min(t.tile, t.end - at);
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < count; ++i) {
      const float v = value_at<kAffine, kResidual>(t, z, r, at, i);
      const float g = load_element(dy + at + i);
      // Without &&, or the compiler makes branches, not vectors.
      bool passes = (v > min) & (v < max);
      if (kQuantized) {
        const auto slope = quant::fake_quantize_slope(clamped(v, min, max), grid, slope_inside);
        sum += g * slope.by_scale;
        passes = passes & (slope.passes != 0.0F);
      }
      const float pass = passes ? g : 0.0F;
      store_element(dv + at + i, pass);
      if (kAffine) {
        t.first[i] += pass;
        t.second[i] += pass * load_element(z + at + i);
      }
    }
    step_gradient += sum;
  }
  return step_gradient;
}

template <typename T>
OMPQ_INLINE void norm_body(const Task& given) {
  const Task t = given;
  const T* z = static_cast<const T*>(t.z);
  const T* dv = static_cast<const T*>(t.in);
  T* dz = static_cast<T*>(t.out);
  for (std::int64_t at = t.begin; at < t.end; at += t.tile) {
    const std::int64_t count = std::min(t.tile, t.end - at);
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
      store_element(dz + at + i,
                    load_element(dv + at + i) * t.scale[i] + load_element(z + at + i) * t.shift[i] +
                        t.third[i]);
    }
  }
}

template <bool kAffine, bool kResidual, typename T>
OMPQ_INLINE void range_body(const Task& given) {
  const Task t = given;
  const T* z = static_cast<const T*>(t.z);
  const T* r = static_cast<const T*>(t.epilogue.residual);
  float min = t.first[0];
  float max = t.second[0];
  for (std::int64_t at = t.begin; at < t.end; at += t.tile) {
    const std::int64_t count = std::min(t.tile, t.end - at);
#pragma omp simd reduction(min : min) reduction(max : max)
    for (std::int64_t i = 0; i < count; ++i) {
      const float u =
          clamped(value_at<kAffine, kResidual>(t, z, r, at, i), t.epilogue.min, t.epilogue.max);
      min = std::min(min, u);
      max = std::max(max, u);
    }
  }
  t.first[0] = min;
  t.second[0] = max;
}

/// Calls `body` with the task's switches as constants.
#define OMPQ_FOR_TYPE(task, call)         \
  if ((task).type == Element::BFloat16) { \
    using T = Narrow;                     \
    call;                                 \
  } else {                                \
    using T = float;                      \
    call;                                 \
  }

template <bool kAffine, bool kResidual>
OMPQ_INLINE void forward_switch(const Task& t) {
  if (t.epilogue.quantized) {
    OMPQ_FOR_TYPE(t, (forward_body<kAffine, kResidual, true, T>(t)))
  } else {
    OMPQ_FOR_TYPE(t, (forward_body<kAffine, kResidual, false, T>(t)))
  }
}
template <bool kAffine, bool kResidual>
OMPQ_INLINE double backward_switch(const Task& t) {
  if (t.epilogue.quantized) {
    OMPQ_FOR_TYPE(t, return (backward_body<kAffine, kResidual, true, T>(t)))
  } else {
    OMPQ_FOR_TYPE(t, return (backward_body<kAffine, kResidual, false, T>(t)))
  }
}

OMPQ_VECTOR_CLONES void sums_chunk(const Task& t){
    OMPQ_FOR_TYPE(t, sums_body<T>(t))} OMPQ_VECTOR_CLONES
    void norm_chunk(const Task& t){OMPQ_FOR_TYPE(t, norm_body<T>(t))} OMPQ_VECTOR_CLONES
    void forward_affine(const Task& t) {
  t.residual ? forward_switch<true, true>(t) : forward_switch<true, false>(t);
}
OMPQ_VECTOR_CLONES void forward_plain(const Task& t) {
  t.residual ? forward_switch<false, true>(t) : forward_switch<false, false>(t);
}
OMPQ_VECTOR_CLONES double backward_affine(const Task& t) {
  return t.residual ? backward_switch<true, true>(t) : backward_switch<true, false>(t);
}
OMPQ_VECTOR_CLONES double backward_plain(const Task& t) {
  return t.residual ? backward_switch<false, true>(t) : backward_switch<false, false>(t);
}
OMPQ_VECTOR_CLONES void range_affine(const Task& t) {
  if (t.residual) {
    OMPQ_FOR_TYPE(t, (range_body<true, true, T>(t)))
  } else {
    OMPQ_FOR_TYPE(t, (range_body<true, false, T>(t)))
  }
}
OMPQ_VECTOR_CLONES void range_plain(const Task& t) {
  if (t.residual) {
    OMPQ_FOR_TYPE(t, (range_body<false, true, T>(t)))
  } else {
    OMPQ_FOR_TYPE(t, (range_body<false, false, T>(t)))
  }
}

/// Runs `chunk(task, index)` over all chunks.
template <typename Chunk>
void for_chunks(const Extent& extent, const Cut& cut, const Task& task, Chunk chunk) {
#pragma omp parallel for schedule(static)
  for (std::int64_t c = 0; c < cut.chunks; ++c) {
    Task own = task;
    own.begin = c * cut.chunk;
    own.end = std::min(extent.count, own.begin + cut.chunk);
    chunk(own, c);
  }
}

/// Adds per-chunk sums of a tile in the order of the chunks.
class TileSums {
 public:
  TileSums(const Cut& cut, std::int64_t channels)
      : tile_(cut.tile),
        channels_(channels),
        sums_(static_cast<std::size_t>(2 * cut.tile * cut.chunks)) {}

  void bind(Task& task, std::int64_t chunk) {
    task.first = sums_.data() + 2 * tile_ * chunk;
    task.second = task.first + tile_;
  }
  [[nodiscard]] ChannelSums total() const {
    const auto channels = static_cast<std::size_t>(channels_);
    ChannelSums total{std::vector<double>(channels), std::vector<double>(channels)};
    for (std::size_t at = 0; at < sums_.size(); at += static_cast<std::size_t>(2 * tile_)) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(tile_); ++i) {
        total.first[i % channels] += sums_[at + i];
        total.second[i % channels] += sums_[at + static_cast<std::size_t>(tile_) + i];
      }
    }
    return total;
  }

 private:
  std::int64_t tile_;
  std::int64_t channels_;
  std::vector<float> sums_;
};

Task task_of(const Extent& extent, const Epilogue& epilogue, const Cut& cut) {
  Task task{.type = extent.type, .epilogue = epilogue, .tile = cut.tile};
  task.affine = !epilogue.scale.empty();
  task.residual = epilogue.residual != nullptr;
  return task;
}

/// Scale and shift as a tile reads them.
struct TiledAffine {
  TiledAffine(const Epilogue& epilogue, const Cut& cut, Task& task) {
    if (epilogue.scale.empty()) return;
    scale = repeated(epilogue.scale, cut.tile);
    shift = repeated(epilogue.shift, cut.tile);
    task.scale = scale.data();
    task.shift = shift.data();
  }
  std::vector<float> scale;
  std::vector<float> shift;
};

}  // namespace

ChannelSums channel_sums(const Extent& extent, const void* z) {
  const Cut cut = cut_of(extent);
  TileSums sums(cut, extent.channels);
  const Task task{.type = extent.type, .tile = cut.tile, .z = z};
  for_chunks(extent, cut, task, [&](Task& own, std::int64_t c) {
    sums.bind(own, c);
    sums_chunk(own);
  });
  return sums.total();
}

void epilogue_forward(const Extent& extent, const Epilogue& epilogue, const void* z, void* y) {
  const Cut cut = cut_of(extent);
  Task task = task_of(extent, epilogue, cut);
  const TiledAffine affine(epilogue, cut, task);
  task.z = z;
  task.out = y;
  for_chunks(extent, cut, task, [](const Task& own, std::int64_t) {
    own.affine ? forward_affine(own) : forward_plain(own);
  });
}

EpilogueGradients epilogue_backward(
    const Extent& extent, const Epilogue& epilogue, const void* z, const void* dy, void* dv) {
  const Cut cut = cut_of(extent);
  Task task = task_of(extent, epilogue, cut);
  const TiledAffine affine(epilogue, cut, task);
  task.z = z;
  task.in = dy;
  task.out = dv;
  std::vector<double> step_gradients(static_cast<std::size_t>(cut.chunks));
  TileSums sums(task.affine ? cut : Cut{}, extent.channels);
  for_chunks(extent, cut, task, [&](Task& own, std::int64_t c) {
    if (own.affine) sums.bind(own, c);
    step_gradients[static_cast<std::size_t>(c)] =
        own.affine ? backward_affine(own) : backward_plain(own);
  });
  EpilogueGradients gradients;
  if (task.affine) gradients.sums = sums.total();
  for (const double part : step_gradients) gradients.step_gradient += part;
  return gradients;
}

void norm_backward(
    const Extent& extent, const NormGradient& factors, const void* z, const void* dv, void* dz) {
  const Cut cut = cut_of(extent);
  const std::vector<float> scale = repeated(factors.by_gradient, cut.tile);
  const std::vector<float> shift = repeated(factors.by_value, cut.tile);
  const std::vector<float> third = repeated(factors.constant, cut.tile);
  const Task task{.type = extent.type,
                  .tile = cut.tile,
                  .scale = scale.data(),
                  .shift = shift.data(),
                  .third = third.data(),
                  .z = z,
                  .in = dv,
                  .out = dz};
  for_chunks(extent, cut, task, [](const Task& own, std::int64_t) { norm_chunk(own); });
}

Range epilogue_range(const Extent& extent, const Epilogue& epilogue, const void* z) {
  const Cut cut = cut_of(extent);
  Task task = task_of(extent, epilogue, cut);
  const TiledAffine affine(epilogue, cut, task);
  task.z = z;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<Range> ranges(static_cast<std::size_t>(cut.chunks), {kInfinity, -kInfinity});
  for_chunks(extent, cut, task, [&](Task& own, std::int64_t c) {
    Range& range = ranges[static_cast<std::size_t>(c)];
    own.first = &range.min;
    own.second = &range.max;
    own.affine ? range_affine(own) : range_plain(own);
  });
  Range all{kInfinity, -kInfinity};
  for (const Range& range : ranges) {
    all.min = std::min(all.min, range.min);
    all.max = std::max(all.max, range.max);
  }
  return all;
}

}  // namespace ompq::training
