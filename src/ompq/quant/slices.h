#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// A row-major tensor, or a stack of tensors, split along one axis: element (m, o, s, i) of
/// `members` x `outer` x `count` x `inner` belongs to slice m * count + s. Per tensor: 1 x 1 x 1 x
/// elements.
struct Slices {
  std::int64_t members = 1;
  std::int64_t outer = 1;
  std::int64_t count = 1;
  std::int64_t inner = 1;
  [[nodiscard]] std::int64_t total() const { return members * count; }
  [[nodiscard]] std::int64_t slice_elements() const { return outer * inner; }
  /// The slice of a row-major element.
  [[nodiscard]] std::int64_t of(std::int64_t element) const {
    return element / (outer * count * inner) * count + element / inner % count;
  }
};

/// Calls run(slice, first element, elements) for every contiguous run of elements of one slice, in
/// element order.
template <typename Run>
void for_each_run(const Slices& slices, const Run& run) {
  std::int64_t at = 0;
  for (std::int64_t m = 0; m < slices.members; ++m) {
    for (std::int64_t o = 0; o < slices.outer; ++o) {
      for (std::int64_t s = 0; s < slices.count; ++s, at += slices.inner) {
        run(m * slices.count + s, at, slices.inner);
      }
    }
  }
}

/// @throws ShapeError for an axis outside -rank..rank-1, or more stacked axes than axes before it.
[[nodiscard]] Slices slices_of(std::span<const std::int64_t> shape, const Granularity& granularity);

/// Elements of slice `s`, in order; a view of `values` if they are contiguous, else of `buffer`.
[[nodiscard]] std::span<const float> slice_values(std::span<const float> values,
                                                  const Slices& slices,
                                                  std::int64_t s,
                                                  std::vector<float>& buffer);

/// @throws DataError naming the first NaN or infinity.
void require_finite(std::span<const float> values);

}  // namespace ompq::quant
