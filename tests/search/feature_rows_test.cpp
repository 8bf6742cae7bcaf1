#include "ompq/search/feature_rows.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::search {
namespace {

std::vector<float> normal_row(std::int64_t columns, std::uint64_t seed) {
  std::vector<float> row(static_cast<std::size_t>(columns));
  Random random(seed);
  for (float& value : row) value = static_cast<float>(random.normal());
  return row;
}

MatrixView row_view(const std::vector<float>& values, std::int64_t rows = 1) {
  const auto columns = static_cast<std::int64_t>(values.size()) / rows;
  return {.data = values.data(),
          .type = DataType::Float32,
          .rows = rows,
          .cols = columns,
          .row_stride = columns};
}

double product_of(const float* a, const float* b, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// Row `r` of what is kept.
const float* kept_row(const FeatureRows& rows, std::int64_t r) {
  const MatrixView view = rows.view();
  return static_cast<const float*>(view.data) + r * view.row_stride;
}

TEST(FeatureRows, KeepNarrowRowsAsTheyAre) {
  FeatureRows rows;
  EXPECT_EQ(rows.view().rows, 0);
  const std::vector<float> first = normal_row(6, 1);
  rows.add(row_view(first, 2));
  rows.add(row_view(normal_row(3, 2)));
  ASSERT_EQ(rows.view().rows, 3);
  ASSERT_EQ(rows.view().cols, 3);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(kept_row(rows, 0)[i], first[i]);
  EXPECT_EQ(kept_row(rows, 2)[0], normal_row(3, 2)[0]);
  rows.clear();
  EXPECT_EQ(rows.view().rows, 0);
}

TEST(FeatureRows, ReadOnlyTheColumnsOfAStridedView) {
  const std::vector<float> padded{1, 2, 99, 3, 4, 99};
  FeatureRows rows;
  rows.add({.data = padded.data(), .rows = 2, .cols = 2, .row_stride = 3});
  EXPECT_EQ(kept_row(rows, 1)[0], 3.0F);
  EXPECT_EQ(kept_row(rows, 1)[1], 4.0F);
}

TEST(FeatureRows, RefuseRowsOfAnotherSize) {
  FeatureRows rows;
  rows.add(row_view(normal_row(5, 1)));
  EXPECT_THROW(rows.add(row_view(normal_row(6, 1))), ShapeError);
}

TEST(FeatureRows, SketchWideRowsLinearly) {
  constexpr std::int64_t kColumns = 3 * FeatureRows::kMostColumns + 5;
  const std::vector<float> a = normal_row(kColumns, 1);
  const std::vector<float> b = normal_row(kColumns, 2);
  std::vector<float> sum = a;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
  FeatureRows rows;
  for (const auto& row : {a, b, sum}) rows.add(row_view(row));
  ASSERT_EQ(rows.view().cols, FeatureRows::kMostColumns);
  for (std::int64_t c = 0; c < FeatureRows::kMostColumns; ++c) {
    // A column of the sketch adds up some three numbers of order one in float32.
    ASSERT_NEAR(kept_row(rows, 2)[c], kept_row(rows, 0)[c] + kept_row(rows, 1)[c], 1e-5) << c;
  }
}

TEST(FeatureRows, KeepProductsOfWideRowsWithinTheSketchsDeviation) {
  constexpr std::int64_t kColumns = 40'000;
  const double deviation = std::sqrt(2.0 / FeatureRows::kMostColumns);
  int outside = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<float> a = normal_row(kColumns, 2 * seed + 1);
    std::vector<float> b = normal_row(kColumns, 2 * seed + 2);
    for (std::size_t i = 0; i < b.size(); ++i) b[i] += 0.5F * a[i];
    FeatureRows rows;
    rows.add(row_view(a));
    rows.add(row_view(b));
    const double exact = product_of(a.data(), b.data(), kColumns);
    const double kept = product_of(kept_row(rows, 0), kept_row(rows, 1), FeatureRows::kMostColumns);
    const double norms = std::sqrt(product_of(a.data(), a.data(), kColumns) *
                                   product_of(b.data(), b.data(), kColumns));
    EXPECT_NEAR(kept, exact, 4 * deviation * norms) << seed;
    outside += std::abs(kept - exact) > 2 * deviation * norms ? 1 : 0;
  }
  EXPECT_LE(outside, 4) << "of 20, where one lies beyond two deviations by chance";
}

}  // namespace
}  // namespace ompq::search
