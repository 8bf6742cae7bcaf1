#include "ompq/search/combined_metrics.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::search {
namespace {

Measurements two_metrics() {
  Measurements measured;
  measured.losses["fisher"] = {.widths = {BitWidth(2), BitWidth(4)}, .values = {4, 1, 9, 0}};
  measured.losses["local-error"] = {.widths = {BitWidth(2), BitWidth(4)}, .values = {1, 1, 4, 2}};
  return measured;
}

TEST(CombineMetrics, TakesTheGeometricMeanOfTwo) {
  const auto means =
      combine_metrics(two_metrics(), {"orm beta=1", "local-error", "uniform", "fisher"});
  ASSERT_EQ(means.size(), 1U);
  EXPECT_EQ(means[0].origin, "local-error x fisher");
  EXPECT_EQ(means[0].row.metric, "local-error");
  EXPECT_EQ(means[0].measurements.losses.at("local-error").values,
            (std::vector<double>{2, 1, 6, 0}));
}

TEST(CombineMetrics, TakesEveryTwoOfTheBestThreeAndAllThree) {
  Measurements measured = two_metrics();
  measured.losses["weight-mse"] = {.widths = {BitWidth(2), BitWidth(4)}, .values = {2, 1, 6, 4}};
  measured.losses["hessian"] = measured.losses["fisher"];
  const auto means = combine_metrics(measured, {"local-error", "weight-mse", "fisher", "hessian"});
  std::vector<std::string> origins;
  for (const auto& mean : means) origins.push_back(mean.origin);
  EXPECT_EQ(origins,
            (std::vector<std::string>{"local-error x weight-mse",
                                      "local-error x fisher",
                                      "weight-mse x fisher",
                                      "local-error x weight-mse x fisher"}));
  const auto& all = means.back().measurements.losses.at("local-error").values;
  EXPECT_NEAR(all[0], 2, 1e-12);
  EXPECT_NEAR(all[2], 6, 1e-12);
  EXPECT_EQ(means[2].measurements.losses.at("weight-mse").values[2], std::sqrt(54.0));
}

TEST(CombineMetrics, NeedsTwoMeasuredMetrics) {
  using ::testing::IsEmpty;
  EXPECT_THAT(combine_metrics(two_metrics(), {"fisher", "uniform", "hessian"}), IsEmpty());
  EXPECT_THAT(combine_metrics(two_metrics(), {"fisher", "pairwise"}), IsEmpty())
      << "its interactions are on the scale of one metric";
  EXPECT_THAT(combine_metrics({}, {"fisher", "local-error"}), IsEmpty());
}

}  // namespace
}  // namespace ompq::search
