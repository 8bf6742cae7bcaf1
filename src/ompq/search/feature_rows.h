#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/matrix_view.h"

namespace ompq::search {

/// Rows of one feature, a sample each, that come a few at a time. Features of more than
/// kMostColumns elements are kept as a sketch of that many: each element is added to one of its
/// columns, or taken off it, as a fixed hash of its place says. Products of two rows have the same
/// expectation as those of the features, with a deviation of about sqrt(2 / kMostColumns) of the
/// rows' norms, and since the sketch is linear that holds for what centring leaves of them too.
/// Source: Charikar, Chen, Farach-Colton 2002 (Count Sketch); Pham and Pagh 2013 for products.
class FeatureRows {
 public:
  static constexpr std::int64_t kMostColumns = 4096;

  /// @throws ShapeError if rows have another number of columns than those before.
  void add(const MatrixView& rows);
  /// All rows so far, float32; valid until the next change.
  [[nodiscard]] MatrixView view() const;
  void clear() { values_.clear(); }

 private:
  std::int64_t columns_ = 0;         ///< of the feature
  std::vector<std::int32_t> place_;  ///< by column of the feature: +-(column of the sketch + 1)
  std::vector<float> values_;
};

}  // namespace ompq::search
