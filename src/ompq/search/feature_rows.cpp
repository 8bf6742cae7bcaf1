#include "ompq/search/feature_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/pipeline/value_comparison.h"

namespace ompq::search {
namespace {

std::int64_t sketched(std::int64_t columns) { return std::min(columns, FeatureRows::kMostColumns); }

/// A pseudo-random column and sign for each element, the same in every run.
std::vector<std::int32_t> draw_places(std::int64_t columns) {
  Random random = Random(0).split("feature sketch");
  std::vector<std::int32_t> places(static_cast<std::size_t>(columns));
  for (std::int32_t& place : places) {
    const std::uint64_t drawn = random.next();
    const auto column = static_cast<std::int32_t>((drawn >> 1U) % FeatureRows::kMostColumns);
    place = (drawn & 1U) != 0 ? column + 1 : -(column + 1);
  }
  return places;
}

}  // namespace

void FeatureRows::add(const MatrixView& rows) {
  if (columns_ != 0 && columns_ != rows.cols) {
    throw ShapeError(
        "features",
        fmt::format("a sample has {} elements, but those before have {}", rows.cols, columns_));
  }
  columns_ = rows.cols;
  const std::vector<float> values = pipeline::floats_of(rows);
  if (columns_ <= kMostColumns) {
    values_.insert(values_.end(), values.begin(), values.end());
    return;
  }
  if (place_.empty()) place_ = draw_places(columns_);
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    const float* row = values.data() + r * columns_;
    values_.resize(values_.size() + static_cast<std::size_t>(kMostColumns), 0.0F);
    float* sketch = values_.data() + values_.size() - kMostColumns;
    for (std::int64_t c = 0; c < columns_; ++c) {
      const std::int32_t place = place_[static_cast<std::size_t>(c)];
      if (place > 0) {
        sketch[place - 1] += row[c];
      } else {
        sketch[-place - 1] -= row[c];
      }
    }
  }
}

MatrixView FeatureRows::view() const {
  const std::int64_t columns = sketched(columns_);
  const auto count = static_cast<std::int64_t>(values_.size());
  return {.data = values_.data(),
          .type = DataType::Float32,
          .rows = columns == 0 ? 0 : count / columns,
          .cols = columns,
          .row_stride = columns};
}

}  // namespace ompq::search
