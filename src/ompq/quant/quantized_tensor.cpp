#include "ompq/quant/quantized_tensor.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/fake_quantize.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/simd.h"
#include "ompq/quant/slices.h"

namespace ompq::quant {
namespace {

OMPQ_VECTOR_CLONES void quantize_run(const float* x,
                                     std::uint8_t* codes,
                                     std::int64_t count,
                                     const Grid& given) {
  const Grid grid = equally_spaced(given);
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float level = level_of(x[i], grid);
    codes[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(level - grid.low));
  }
}

OMPQ_VECTOR_CLONES void dequantize_run(const std::uint8_t* codes,
                                       float* x,
                                       std::int64_t count,
                                       const Grid& given) {
  const Grid grid = equally_spaced(given);
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] = grid.scale * (static_cast<float>(codes[i]) + grid.low);
  }
}

void quantize_to_set(const float* x, std::uint8_t* codes, std::int64_t count, const Grid& grid) {
  for (std::int64_t i = 0; i < count; ++i) codes[i] = code_of_level(level_of(x[i], grid), grid);
}

void dequantize_from_set(const std::uint8_t* codes,
                         float* x,
                         std::int64_t count,
                         const Grid& grid) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = grid.scale * level_of_code(codes[i], grid);
}

/// The slices of `params`. @throws ShapeError, ConfigError if the two do not fit.
Slices checked_slices(std::span<const std::int64_t> shape, const QuantParams& params) {
  const Slices slices = slices_of(shape, params.granularity);
  const auto expected = static_cast<std::size_t>(slices.total());
  if (params.scale.size() != expected || params.zero_point.size() != expected) {
    throw ShapeError("quant",
                     fmt::format("{} scales and {} zero points for a tensor of shape {} with {} "
                                 "slices; there must be one of each per slice",
                                 params.scale.size(),
                                 params.zero_point.size(),
                                 shape_text(shape),
                                 expected));
  }
  if (params.symmetry == Symmetry::Normal && !has_normal_levels(params.bits)) {
    throw ConfigError("quant",
                      fmt::format("{} bits have no normal levels; {} to {} bits have",
                                  params.bits.value(),
                                  kLeastNormalBits,
                                  kMostNormalBits));
  }
  const ZeroPointRange allowed = zero_points_of(params.bits, params.symmetry);
  for (std::size_t s = 0; s < expected; ++s) {
    const bool scale_ok = std::isfinite(params.scale[s]) && params.scale[s] > 0;
    if (scale_ok && allowed.has(params.zero_point[s])) continue;
    throw ConfigError(
        "quant",
        fmt::format(
            "slice {} has scale {} and zero point {}; a scale must be "
            "positive, and a zero point of {} bits in {}..{}{}",
            s,
            params.scale[s],
            params.zero_point[s],
            params.bits.value(),
            allowed.least,
            allowed.most,
            allowed.step == 1 ? std::string() : fmt::format(" in steps of {}", allowed.step)));
  }
  return slices;
}

/// Calls run(offset, length, grid) for every contiguous run of elements with the same scale.
template <typename Run>
void for_each_run(const Slices& slices, const QuantParams& params, const Run& run) {
  for_each_run(slices, [&](std::int64_t s, std::int64_t at, std::int64_t count) {
    run(at, count, grid_of(params, static_cast<std::size_t>(s)));
  });
}

}  // namespace

QuantizedTensor quantize(const Tensor& x, const QuantParams& params) {
  const Slices slices = checked_slices(x.shape(), params);
  const Tensor floats = x.converted_to(DataType::Float32);
  const auto values = floats.data<float>();
  require_finite(values);
  QuantizedTensor q{params, x.shape(), std::vector<std::uint8_t>(values.size())};
  for_each_run(slices, params, [&](std::int64_t at, std::int64_t count, const Grid& grid) {
    const auto run = grid.set != nullptr ? quantize_to_set : quantize_run;
    run(values.data() + at, q.codes.data() + at, count, grid);
  });
  return q;
}

Tensor dequantize(const QuantizedTensor& q) {
  const Slices slices = checked_slices(q.shape, q.params);
  if (static_cast<std::int64_t>(q.codes.size()) != element_count(q.shape)) {
    throw ShapeError(
        "quant",
        fmt::format("got {} codes for a tensor of shape {}", q.codes.size(), shape_text(q.shape)));
  }
  Tensor x(DataType::Float32, q.shape);
  const auto values = x.mutable_data<float>();
  for_each_run(slices, q.params, [&](std::int64_t at, std::int64_t count, const Grid& grid) {
    const auto run = grid.set != nullptr ? dequantize_from_set : dequantize_run;
    run(q.codes.data() + at, values.data() + at, count, grid);
  });
  return x;
}

Tensor fake_quantize(const Tensor& x, const QuantParams& params) {
  const Slices slices = checked_slices(x.shape(), params);
  const Tensor floats = x.converted_to(DataType::Float32);
  const auto values = floats.data<float>();
  require_finite(values);
  Tensor result(DataType::Float32, x.shape());
  const auto out = result.mutable_data<float>();
  for_each_run(slices, params, [&](std::int64_t at, std::int64_t count, const Grid& grid) {
    const auto first = static_cast<std::size_t>(at);
    const auto length = static_cast<std::size_t>(count);
    fake_quantize(values.subspan(first, length), out.subspan(first, length), grid);
  });
  return result;
}

std::optional<Int8Levels> int8_levels(const QuantizedTensor& q) {
  Int8Levels result{.levels = std::vector<std::int8_t>(q.codes.size()),
                    .scale = q.params.scale,
                    .doubled = level_shift(q.params) != 0.0F};
  if (result.doubled) {
    for (float& scale : result.scale) scale /= 2;
  }
  bool fits = true;
  for_each_run(slices_of(q.shape, q.params.granularity),
               [&](std::int64_t slice, std::int64_t begin, std::int64_t count) {
                 const Grid grid = grid_of(q.params, static_cast<std::size_t>(slice));
                 for (std::int64_t i = begin; i < begin + count; ++i) {
                   const auto at = static_cast<std::size_t>(i);
                   const float level = level_of_code(q.codes[at], grid);
                   const auto whole = static_cast<int>(result.doubled ? 2.0F * level : level);
                   fits = fits && whole >= std::numeric_limits<std::int8_t>::min() &&
                          whole <= std::numeric_limits<std::int8_t>::max();
                   result.levels[at] = static_cast<std::int8_t>(whole);
                 }
               });
  return fits ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace ompq::quant
