#include "ompq/quant/slices.h"

#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/simd.h"

namespace ompq::quant {
namespace {

OMPQ_VECTOR_CLONES bool all_finite(const float* values, std::int64_t count) {
  constexpr std::uint32_t kExponent = 0x7f800000U;
  std::uint32_t found = 0;
#pragma omp simd reduction(| : found)
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    found |= (bits & kExponent) == kExponent ? 1U : 0U;
  }
  return found == 0;
}

}  // namespace

Slices slices_of(std::span<const std::int64_t> shape, const Granularity& granularity) {
  if (!granularity.per_axis) return {1, 1, 1, element_count(shape)};
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t axis = granularity.axis < 0 ? granularity.axis + rank : granularity.axis;
  if (axis < 0 || axis >= rank) {
    throw ShapeError("quant",
                     fmt::format("axis {} does not exist in a tensor of shape {}; use {}..{}",
                                 granularity.axis,
                                 shape_text(shape),
                                 -rank,
                                 rank - 1));
  }
  if (granularity.stacked < 0 || granularity.stacked > axis) {
    throw ShapeError("quant",
                     fmt::format("{} stacked axes are not before axis {} of a tensor of shape "
                                 "{}; use 0..{}",
                                 granularity.stacked,
                                 axis,
                                 shape_text(shape),
                                 axis));
  }
  const auto at = static_cast<std::size_t>(axis);
  const auto stacked = static_cast<std::size_t>(granularity.stacked);
  const std::int64_t members = element_count(shape.first(stacked));
  const std::int64_t inner = element_count(shape.subspan(at + 1));
  // If the axes are adjacent, members and slices are one axis.
  if (stacked == at) return {1, 1, members * shape[at], inner};
  return {members, element_count(shape.subspan(stacked, at - stacked)), shape[at], inner};
}

std::span<const float> slice_values(std::span<const float> values,
                                    const Slices& slices,
                                    std::int64_t s,
                                    std::vector<float>& buffer) {
  const auto inner = static_cast<std::size_t>(slices.inner);
  if (slices.outer == 1) return values.subspan(static_cast<std::size_t>(s) * inner, inner);
  const std::int64_t first = s / slices.count * slices.outer * slices.count + s % slices.count;
  buffer.resize(static_cast<std::size_t>(slices.slice_elements()));
  for (std::int64_t o = 0; o < slices.outer; ++o) {
    const auto from = static_cast<std::size_t>(first + o * slices.count) * inner;
    std::memcpy(buffer.data() + static_cast<std::size_t>(o) * inner,
                values.data() + from,
                inner * sizeof(float));
  }
  return buffer;
}

void require_finite(std::span<const float> values) {
  if (all_finite(values.data(), static_cast<std::int64_t>(values.size()))) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw DataError("quant",
                    fmt::format("element {} of {} is {}; only finite numbers can be quantized",
                                i,
                                values.size(),
                                values[i]));
  }
}

}  // namespace ompq::quant
