#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// A row-major tensor cut along one axis: element (o, s, i) of `outer` x `count` x `inner`
/// belongs to slice s. Per tensor: 1 x 1 x elements.
struct Slices {
  std::int64_t outer = 1;
  std::int64_t count = 1;
  std::int64_t inner = 1;
  [[nodiscard]] std::int64_t slice_elements() const { return outer * inner; }
};

/// @throws ShapeError for an axis outside of -rank..rank-1.
[[nodiscard]] Slices slices_of(std::span<const std::int64_t> shape, const Granularity& granularity);

/// Elements of slice `s`, in order; a view of `values` where they lie together, else of `buffer`.
[[nodiscard]] std::span<const float> slice_values(std::span<const float> values,
                                                  const Slices& slices,
                                                  std::int64_t s,
                                                  std::vector<float>& buffer);

/// @throws DataError naming the first NaN or infinity.
void require_finite(std::span<const float> values);

}  // namespace ompq::quant
