#include "ompq/ops/dims.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace ompq::ops {
namespace {

using graph::Dim;

constexpr std::int64_t kBatches[] = {1, 2, 3, 7, 64};

std::vector<Dim> some_dims() {
  std::vector<Dim> dims;
  for (std::int64_t size = -6; size <= 6; ++size) {
    dims.push_back(Dim::fixed(size));
    dims.push_back(Dim::batch(size));
  }
  return dims;
}

std::string text(Dim a, Dim b) { return graph::to_string({a}) + " and " + graph::to_string({b}); }

std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

TEST(Dims, ArithmeticHoldsForEveryBatchSize) {
  for (const Dim a : some_dims()) {
    for (const Dim b : some_dims()) {
      for (const std::int64_t n : kBatches) {
        const std::int64_t x = a.at(n);
        const std::int64_t y = b.at(n);
        const auto agree = [&](const MaybeDim& told, std::int64_t expected) {
          return !told || told->at(n) == expected;
        };
        EXPECT_TRUE(agree(add(a, b), x + y)) << text(a, b);
        EXPECT_TRUE(agree(subtract(a, b), x - y)) << text(a, b);
        EXPECT_TRUE(agree(multiply(a, b), x * y)) << text(a, b);
        EXPECT_TRUE(agree(minimum(a, b), std::min(x, y))) << text(a, b);
        EXPECT_TRUE(agree(maximum(a, b), std::max(x, y))) << text(a, b);
        EXPECT_EQ(equal(a, b).value_or(x == y), x == y) << text(a, b);
        EXPECT_EQ(less(a, b).value_or(x < y), x < y) << text(a, b);
        if (y == 0) continue;
        EXPECT_TRUE(agree(divide(a, b), x / y)) << text(a, b);
        EXPECT_TRUE(agree(modulo(a, b), floor_mod(x, y))) << text(a, b);
      }
    }
  }
}

TEST(Dims, PlainNumbersAreAlwaysDecided) {
  for (std::int64_t a = -6; a <= 6; ++a) {
    for (std::int64_t b = -6; b <= 6; ++b) {
      EXPECT_TRUE(add(Dim::fixed(a), Dim::fixed(b)));
      EXPECT_TRUE(less(Dim::fixed(a), Dim::fixed(b)));
      EXPECT_TRUE(equal(Dim::fixed(a), Dim::fixed(b)));
      EXPECT_TRUE(minimum(Dim::fixed(a), Dim::fixed(b)));
      EXPECT_EQ(divide(Dim::fixed(a), Dim::fixed(b)).has_value(), b != 0);
      EXPECT_EQ(modulo(Dim::fixed(a), Dim::fixed(b)).has_value(), b != 0);
    }
  }
}

TEST(Dims, KnowsWhatExportersAskOfTheBatch) {
  EXPECT_EQ(equal(Dim::batch(), Dim::fixed(-1)), false);
  EXPECT_EQ(equal(Dim::batch(), Dim::batch()), true);
  EXPECT_EQ(equal(Dim::batch(), Dim::fixed(1)), std::nullopt);
  EXPECT_EQ(divide(Dim::batch(512), Dim::batch()), Dim::fixed(512));
  EXPECT_EQ(divide(Dim::batch(6), Dim::fixed(4)), std::nullopt);
  EXPECT_EQ(multiply(Dim::batch(), Dim::batch()), std::nullopt);
  EXPECT_EQ(add(Dim::batch(), Dim::fixed(1)), std::nullopt);
  EXPECT_EQ(multiply(Dim::fixed(INT64_MAX), Dim::fixed(2)), std::nullopt);
}

}  // namespace
}  // namespace ompq::ops
