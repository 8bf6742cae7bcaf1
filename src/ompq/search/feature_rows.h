#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/matrix_view.h"

namespace ompq::search {

/// Accumulates the rows of one feature, one per sample. Features of more than kMostColumns elements
/// are stored as a sketch of that many columns: each element is added to or subtracted from a
/// column chosen by a fixed hash of its index. Products of two rows keep their expectation, with a
/// standard deviation of about sqrt(2 / kMostColumns) of the product of the rows' norms. The sketch
/// is linear, so this also holds after centring.
/// Source: Charikar, Chen, Farach-Colton 2002 (Count Sketch); Pham and Pagh 2013 for products.
class FeatureRows {
 public:
  static constexpr std::int64_t kMostColumns = 4096;

  /// @throws ShapeError if the number of columns differs from earlier rows.
  void add(const MatrixView& rows);
  /// All rows so far, float32; valid until the next change.
  [[nodiscard]] MatrixView view() const;
  void clear() { values_.clear(); }

 private:
  std::int64_t columns_ = 0;         ///< of the feature
  std::vector<std::int32_t> place_;  ///< [column of the feature]: +-(column of the sketch + 1)
  std::vector<float> values_;
};

}  // namespace ompq::search
