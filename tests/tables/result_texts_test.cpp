#include "ompq/tables/result_texts.h"

#include <optional>

#include <gtest/gtest.h>

#include "ompq/report/comparison.h"

namespace ompq::tables {
namespace {

TEST(Percent, HasTwoDecimalsOrADash) {
  EXPECT_EQ(percent(0.93714), "93.71 %");
  EXPECT_EQ(percent(1.0), "100.00 %");
  EXPECT_EQ(percent(0.0), "0.00 %");
  EXPECT_EQ(percent(std::nullopt), "-");
}

TEST(SecondsText, ListsStepsInTheirOrder) {
  EXPECT_EQ(seconds_text({{"measurement", 1.24}, {"allocation", 0.06}}),
            "measurement 1.2 s, allocation 0.1 s");
  EXPECT_EQ(seconds_text({}), "");
}

TEST(SamplesText, NamesSplitAndBrokenSamplesIfThereAreAny) {
  EXPECT_EQ(samples_text({.source = "data.npz", .count = 64}), "64 samples of data.npz");
  EXPECT_EQ(samples_text({.source = "images", .split = "train", .count = 64, .skipped = 2}),
            "64 samples of images (train), 2 broken ones skipped");
}

TEST(IsAnswer, IsFalseForARefusal) {
  EXPECT_TRUE(is_answer(report::AllocationRow{.allocator = "orm"}));
  EXPECT_FALSE(is_answer(report::AllocationRow{.allocator = "orm", .refused = "no room"}));
  EXPECT_FALSE(is_answer(report::ComparisonRow{.refused = "no room"}));
}

}  // namespace
}  // namespace ompq::tables
