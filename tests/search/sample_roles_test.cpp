#include "ompq/search/sample_roles.h"

#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::search {
namespace {

std::vector<std::int64_t> numbers(std::int64_t begin, std::int64_t count) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), begin);
  return all;
}

/// The samples of all roles; fails if one has two roles.
std::set<std::int64_t> all_of(const SampleRoles& roles) {
  std::set<std::int64_t> all;
  for (const auto* role : {&roles.measuring, &roles.ranking, &roles.refining, &roles.checking}) {
    for (const std::int64_t sample : *role) {
      EXPECT_TRUE(all.insert(sample).second) << sample << " has two roles";
    }
  }
  return all;
}

TEST(SampleRoles, DivideTheCalibrationSamples) {
  for (const std::int64_t count : {16, 17, 64, 1000}) {
    const SampleRoles roles = roles_of(numbers(0, count), {}, 5);
    EXPECT_EQ(all_of(roles).size(), static_cast<std::size_t>(count));
    EXPECT_FALSE(roles.refining.empty());
    EXPECT_FALSE(roles.checking.empty());
    EXPECT_EQ(roles.rounding, roles.measuring);
  }
}

TEST(SampleRoles, LeaveTheCalibrationSamplesToTheMetricsIfThereAreMore) {
  const SampleRoles roles = roles_of(numbers(0, 64), numbers(100, 192), 5);
  EXPECT_EQ(roles.measuring.size(), 32U);
  EXPECT_EQ(roles.ranking.size(), 32U);
  for (const auto* role : {&roles.measuring, &roles.ranking}) {
    for (const std::int64_t sample : *role) EXPECT_LT(sample, 64);
  }
  EXPECT_EQ(roles.rounding, numbers(100, 64));
  EXPECT_EQ(roles.refining, numbers(164, 64));
  EXPECT_EQ(roles.checking, numbers(228, 64));
  EXPECT_EQ(all_of(roles).size(), 192U);
}

TEST(SampleRoles, AreFromAllPartsOfTheSource) {
  const SampleRoles roles = roles_of(numbers(0, 400), {}, 5);
  for (const auto* role : {&roles.measuring, &roles.ranking, &roles.refining, &roles.checking}) {
    std::set<std::int64_t> classes;  // as if there were folders of 40 samples
    for (const std::int64_t sample : *role) classes.insert(sample / 40);
    EXPECT_EQ(classes.size(), 10U);
  }
  EXPECT_EQ(roles_of(numbers(0, 400), {}, 5).measuring, roles.measuring);
  EXPECT_NE(roles_of(numbers(0, 400), {}, 6).measuring, roles.measuring);
}

TEST(SampleRoles, HaveNoRefinementAndNoCheckWithFewSamples) {
  for (const std::int64_t count : {4, 15}) {
    const SampleRoles roles = roles_of(numbers(0, count), numbers(100, 15), 5);
    EXPECT_EQ(all_of(roles).size(), static_cast<std::size_t>(count));
    EXPECT_TRUE(roles.refining.empty());
    EXPECT_TRUE(roles.checking.empty());
  }
  const SampleRoles roles = roles_of(numbers(0, 3), {}, 5);
  EXPECT_EQ(roles.measuring, numbers(0, 3));
  EXPECT_EQ(roles.ranking, numbers(0, 3));
}

TEST(SampleRoles, TheCheckIsOfUnseenSamples) {
  const SampleRoles own = roles_of(numbers(0, 64), {}, 5);
  EXPECT_EQ(own.rounding_for_check.size() + own.checking.size(), 64U);
  const SampleRoles more = roles_of(numbers(0, 64), numbers(100, 192), 5);
  EXPECT_EQ(more.rounding_for_check, more.rounding);
  for (const SampleRoles& roles : {own, more}) {
    const auto& rounding = roles.rounding_for_check;
    const std::set<std::int64_t> distinct(rounding.begin(), rounding.end());
    EXPECT_EQ(distinct.size(), rounding.size());
    for (const std::int64_t sample : roles.checking) EXPECT_FALSE(distinct.contains(sample));
  }
}

TEST(SampleRoles, LoseSamplesWhosePassesWouldTakeTooLong) {
  const SampleRoles all = roles_of(numbers(0, 64), numbers(100, 192), 5);
  SampleRoles fast = all;
  EXPECT_TRUE(fit_to_time(fast, 1e-3, 60, false).empty());
  EXPECT_EQ(fast.ranking, all.ranking);

  SampleRoles slow = all;
  const auto left_out = fit_to_time(slow, 20e-3, 60, false);
  ASSERT_EQ(left_out.size(), 3U);
  EXPECT_EQ(left_out.front(), "ranking on 14 of 32 samples");
  EXPECT_EQ(slow.ranking.size(), 18U);  // 25 passes of 18 samples: 9 s
  EXPECT_EQ(slow.measuring, all.measuring);
  EXPECT_EQ(slow.checking.size(), 60U);

  SampleRoles hopeless = all;
  EXPECT_EQ(fit_to_time(hopeless, 10.0, 60, false).back(), "activation ranges on 56 of 64 samples");
  EXPECT_EQ(hopeless.ranking.size(), 8U);
  EXPECT_EQ(hopeless.checking.size(), 8U);
  EXPECT_EQ(hopeless.ranges.size(), 8U);
}

TEST(SampleRoles, LeaveTimeForSomeChecksIfTheseRoundWithErrorCompensation) {
  const SampleRoles all = roles_of(numbers(0, 256), numbers(1000, 744), 5);
  SampleRoles slow = all;
  const auto left_out = fit_to_time(slow, 5e-3, 60, true);
  // Six checks in 18 s: each judges 150 samples twice and rounds with 120, 2.5 passes each.
  EXPECT_EQ(slow.checking.size(), 150U);
  EXPECT_EQ(slow.rounding_for_check.size(), 120U);
  EXPECT_EQ(slow.rounding, all.rounding);
  EXPECT_THAT(left_out, ::testing::Contains("rounding for the check on 128 of 248 samples"));
  SampleRoles nearest = all;
  const auto less = fit_to_time(nearest, 5e-3, 60, false);
  EXPECT_EQ(nearest.rounding_for_check, all.rounding_for_check) << "it is not used";
  EXPECT_GT(nearest.checking.size(), slow.checking.size());
}

}  // namespace
}  // namespace ompq::search
