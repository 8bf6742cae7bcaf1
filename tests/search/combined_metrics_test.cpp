#include "ompq/search/combined_metrics.h"

#include <vector>

#include <gtest/gtest.h>

namespace ompq::search {
namespace {

Measurements two_metrics() {
  Measurements measured;
  measured.losses["fisher"] = {.widths = {BitWidth(2), BitWidth(4)}, .values = {4, 1, 9, 0}};
  measured.losses["local-error"] = {.widths = {BitWidth(2), BitWidth(4)}, .values = {1, 1, 4, 2}};
  return measured;
}

TEST(CombineMetrics, TakesTheGeometricMeanOfTheFirstTwo) {
  const auto combined =
      combine_metrics(two_metrics(), {"orm beta=1", "local-error", "uniform", "fisher"});
  ASSERT_TRUE(combined);
  EXPECT_EQ(combined->origin, "local-error x fisher");
  EXPECT_EQ(combined->row.metric, "local-error");
  EXPECT_EQ(combined->measurements.losses.at("local-error").values,
            (std::vector<double>{2, 1, 6, 0}));
}

TEST(CombineMetrics, NeedsTwoMeasuredMetrics) {
  EXPECT_FALSE(combine_metrics(two_metrics(), {"fisher", "uniform", "hessian"}));
  EXPECT_FALSE(combine_metrics(two_metrics(), {"fisher", "pairwise"}))
      << "its interactions are on the scale of one metric";
  EXPECT_FALSE(combine_metrics({}, {"fisher", "local-error"}));
}

}  // namespace
}  // namespace ompq::search
