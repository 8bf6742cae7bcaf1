#include "ompq/allocation/curve.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "allocation/random_requests.h"
#include "ompq/allocation/allocators.h"
#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::allocation {
namespace {

AllocationRequest request_of(std::size_t layers, std::uint64_t seed) {
  Random random(seed);
  AllocationRequest request;
  request.budget.bytes = 1;  // what varies; its number is not looked at
  for (std::size_t l = 0; l < layers; ++l) {
    LayerCost layer;
    layer.name = "layer" + std::to_string(l);
    layer.weight_count = static_cast<std::int64_t>(std::exp(5 + 6 * random.uniform()));
    layer.macs = layer.weight_count * 10;
    request.layers.push_back(layer);
    auto& row = request.loss.emplace_back();
    const double level = std::exp(6 * random.uniform());
    for (const int width : request.candidates) {
      row.push_back(level * std::pow(0.25, width) * (0.5 + random.uniform()));
    }
  }
  return request;
}

double curve_slack(double value) { return 1e-9 * std::max(std::abs(value), 1e-6); }

TEST(LagrangianCurve, HasTheIntegerOptimumAtEveryLimit) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    AllocationRequest request = request_of(20, seed);
    const Curve curve = lagrangian_curve(request, {.points = 15});
    ASSERT_GE(curve.points.size(), 10U);
    for (const CurvePoint& point : curve.points) {
      ASSERT_EQ(point.allocation.solution.status, Status::Optimal);
      ASSERT_LE(point.cost, point.limit);
      ASSERT_EQ((point.cost + 7) / 8, point.allocation.cost.bytes);
      request.budget.bytes = point.limit / 8;  // whole bytes, all that this cost model makes
      const Allocation alone = allocator("integer").allocate(request);
      ASSERT_NEAR(point.loss, alone.solution.objective, curve_slack(point.loss)) << "seed " << seed;
    }
  }
}

TEST(LagrangianCurve, FallsAndItsCornersAreConvexAndBoundIt) {
  for (std::uint64_t seed = 11; seed <= 18; ++seed) {
    const Curve curve = lagrangian_curve(request_of(30, seed), {.points = 40, .max_labels = 50});
    for (std::size_t p = 1; p < curve.points.size(); ++p) {
      EXPECT_GT(curve.points[p].cost, curve.points[p - 1].cost);
      EXPECT_LT(curve.points[p].loss, curve.points[p - 1].loss);
    }
    for (const CurvePoint& point : curve.points) {
      EXPECT_LE(point.bound, point.loss + curve_slack(point.loss));
      EXPECT_GE(point.gap, 0);
    }
    const auto& corners = curve.breakpoints;
    for (std::size_t c = 1; c < corners.size(); ++c) {
      EXPECT_GT(corners[c].cost, corners[c - 1].cost);
      EXPECT_LE(corners[c].price, corners[c - 1].price * (1 + 1e-12));
    }
    // Every point lies on or above the line between the corners around it.
    for (const CurvePoint& point : curve.points) {
      std::size_t c = 0;
      while (c + 1 < corners.size() && corners[c + 1].cost <= point.cost) ++c;
      const double line =
          corners[c].loss - corners[c].price * static_cast<double>(point.cost - corners[c].cost);
      EXPECT_GE(point.loss, line - curve_slack(corners[0].loss)) << "seed " << seed;
    }
    EXPECT_EQ(curve.points.front().cost, corners.front().cost);
    EXPECT_NEAR(curve.points.back().loss, corners.back().loss, curve_slack(corners.front().loss));
  }
}

TEST(LagrangianCurve, HoldsOtherBudgetsAtEveryPoint) {
  AllocationRequest request = request_of(12, 21);
  std::int64_t macs = 0;
  for (const LayerCost& layer : request.layers) macs += layer.macs;
  request.budget.bops = 8.0 * 4.0 * static_cast<double>(macs);
  const Curve curve = lagrangian_curve(request, {.points = 12});
  EXPECT_TRUE(curve.breakpoints.empty());
  ASSERT_GT(curve.points.size(), 5U);
  for (const CurvePoint& point : curve.points) {
    EXPECT_LE(static_cast<double>(point.allocation.cost.bops), *request.budget.bops);
    EXPECT_LE(point.cost, point.limit);
  }
  request.budget.bops = 1;
  EXPECT_THROW((void)lagrangian_curve(request), InfeasibleBudget);
}

TEST(LagrangianCurve, VariesAnyQuantityThatAddsUp) {
  AllocationRequest request = request_of(10, 31);
  request.budget = {.average_bits = 1};
  for (const Quantity quantity : {Quantity::WeightBits, Quantity::Bops, Quantity::WeightBytes}) {
    AllocationRequest asked = request;
    asked.budget = {};
    const Curve curve = lagrangian_curve(asked, {.points = 8, .quantity = quantity});
    EXPECT_EQ(curve.constraint.quantity, quantity);
    EXPECT_GE(curve.points.size(), 6U);
  }
  EXPECT_THROW((void)lagrangian_curve(request, {.quantity = Quantity::ActivationBytes}),
               ConfigError);
}

TEST(LagrangianCurve, HoldsPinsTiesAndActivations) {
  for (std::uint64_t seed = 41; seed < 49; ++seed) {
    Random random(seed);
    AllocationRequest request = testing::random_request(
        {.layers = 6, .own_lists = true, .ties = true, .activations = true}, random);
    request.budget = {.bytes = 1};
    const auto candidates = candidates_of(request);
    for (const CurvePoint& point : lagrangian_curve(request, {.points = 6}).points) {
      for (std::size_t l = 0; l < candidates.size(); ++l) {
        const auto& list = candidates[l];
        EXPECT_NE(std::find(list.begin(), list.end(), point.allocation.weight_bits[l]), list.end());
      }
      EXPECT_NEAR(point.loss,
                  testing::loss_of(
                      request, point.allocation.weight_bits, point.allocation.tensor_bits, false),
                  curve_slack(point.loss));
    }
  }
}

TEST(Knee, IsFarthestBelowTheChord) {
  const std::vector<double> sizes{0, 1, 2, 3, 4};
  EXPECT_EQ(knee(sizes, std::vector<double>{10, 4, 1, 0.5, 0}), 2U);
  EXPECT_EQ(knee(sizes, std::vector<double>{10, 1, 0.9, 0.5, 0}), 1U);
  EXPECT_EQ(knee(sizes, std::vector<double>{4, 3, 2, 1, 0}), 0U) << "a straight line has none";
  EXPECT_EQ(knee(std::vector<double>{3}, std::vector<double>{7}), 0U);
  EXPECT_THROW((void)knee(std::vector<double>{}, std::vector<double>{}), ConfigError);
  EXPECT_THROW((void)knee(sizes, std::vector<double>{1}), ConfigError);
  // Losses that fall by 4 a bit over six bits: (1 - x) - y is greatest where 4^s = 6 ln 4 / (1 -
  // 4^-6), which is s = 1.53, so at 3.5 of 2..8 bits.
  std::vector<double> bits;
  std::vector<double> losses;
  for (int step = 0; step <= 120; ++step) {
    bits.push_back(2 + 0.05 * step);
    losses.push_back(std::pow(0.25, bits.back()));
  }
  EXPECT_NEAR(bits[knee(bits, losses)], 2 + std::log(6 * std::log(4.0)) / std::log(4.0), 0.05);
}

}  // namespace
}  // namespace ompq::allocation
