#include "ompq/rounding/gptq_columns.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/random.h"

namespace ompq::rounding {
namespace {

struct Columns {
  DenseMatrix target;
  DenseMatrix second;
  DenseMatrix factor;
  std::vector<quant::Grid> grids;

  Columns(std::int64_t k, std::int64_t rows, bool correlated) {
    Random random(23);
    target = DenseMatrix(k, rows);
    for (float& value : target.values) value = static_cast<float>(random.normal());
    second = DenseMatrix(k, k);
    for (std::int64_t i = 0; i < k; ++i) {
      for (std::int64_t j = 0; j < k; ++j) {
        const double distance = std::abs(static_cast<double>(i - j));
        second.at(i, j) = i == j       ? 1.0F
                          : correlated ? static_cast<float>(std::pow(0.9, distance))
                                       : 0.0F;
      }
    }
    factor = second;
    EXPECT_TRUE(factorize(factor.view()));
    grids.assign(static_cast<std::size_t>(rows), {.scale = 0.5F, .low = -4.0F, .high = 3.0F});
  }
  ColumnProblem problem() { return {target.view(), second.view(), factor.view()}; }
};

double total(const std::vector<double>& errors) {
  double sum = 0.0;
  for (const double error : errors) sum += error;
  return sum;
}

TEST(RoundColumns, EqualsRoundingToNearestForIndependentColumns) {
  Columns columns(70, 5, false);
  const ColumnSolution plane = round_columns(columns.problem(), columns.grids);
  const ColumnSolution plain = nearest_columns(columns.problem(), columns.grids);
  EXPECT_EQ(plane.levels.values, plain.levels.values);
}

TEST(RoundColumns, BeatsRoundingToNearestForCorrelatedColumns) {
  Columns columns(70, 40, true);
  const double plane = total(round_columns(columns.problem(), columns.grids).error);
  const double plain = total(nearest_columns(columns.problem(), columns.grids).error);
  EXPECT_LT(plane, 0.5 * plain);
}

TEST(RoundColumns, ReturnsTheErrorOfItsLevels) {
  Columns columns(33, 3, true);
  const ColumnSolution plane = round_columns(columns.problem(), columns.grids);
  for (std::int64_t r = 0; r < 3; ++r) {
    double sum = 0.0;
    const auto error = [&](std::int64_t i) {
      return columns.target.at(i, r) - 0.5 * plane.levels.at(i, r);
    };
    for (std::int64_t i = 0; i < 33; ++i) {
      for (std::int64_t j = 0; j < 33; ++j) sum += error(i) * columns.second.at(i, j) * error(j);
    }
    EXPECT_NEAR(plane.error[static_cast<std::size_t>(r)], sum, 1e-4 * (1.0 + sum));
  }
}

TEST(Descend, NeverIncreasesTheErrorOfARow) {
  Columns columns(70, 40, true);
  ColumnSolution solution = nearest_columns(columns.problem(), columns.grids);
  for (int sweep = 0; sweep < 4; ++sweep) {
    const auto before = solution.error;
    descend(columns.problem(), columns.grids, 1, solution);
    for (std::size_t r = 0; r < before.size(); ++r) {
      EXPECT_LE(solution.error[r], before[r] + 1e-4 * (1.0 + before[r]));
    }
  }
  EXPECT_LT(total(solution.error), total(nearest_columns(columns.problem(), columns.grids).error));
}

TEST(RankGrids, PutsTheBestRangeFirst) {
  Columns columns(60, 4, true);
  const auto ranked = rank_grids(columns.problem(), BitWidth(3), quant::Symmetry::Asymmetric, 3);
  ASSERT_EQ(ranked.size(), 3U);
  for (std::size_t r = 0; r < 4; ++r) {
    const auto cost = [&](const quant::Grid& grid) {
      double sum = 0.0;
      for (std::int64_t j = 0; j < 60; ++j) {
        const double w = columns.target.at(j, static_cast<std::int64_t>(r));
        const double level = std::clamp(std::nearbyint(w / grid.scale),
                                        static_cast<double>(grid.low),
                                        static_cast<double>(grid.high));
        sum += std::pow((w - level * grid.scale) * columns.factor.at(j, j), 2);
      }
      return sum;
    };
    EXPECT_LE(cost(ranked[0][r]), cost(ranked[1][r]));
    EXPECT_LE(cost(ranked[1][r]), cost(ranked[2][r]));
  }
}

}  // namespace
}  // namespace ompq::rounding
