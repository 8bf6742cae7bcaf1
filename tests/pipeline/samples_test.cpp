#include "ompq/pipeline/samples.h"

#include <gtest/gtest.h>

#include "pipeline/small_model.h"

namespace ompq::pipeline {
namespace {

TEST(CalibrationShare, LeavesAQuarterWhereTheSamplesAreFew) {
  EXPECT_EQ(calibration_share(64, 64, false), 48);
  EXPECT_EQ(calibration_share(64, 64, true), 48);
  EXPECT_EQ(calibration_share(40, 64, false), 30);
  EXPECT_EQ(calibration_share(2, 64, false), 1);
  EXPECT_EQ(calibration_share(1, 64, false), 1);
}

TEST(CalibrationShare, TakesWhatIsWantedWhereEnoughIsLeft) {
  EXPECT_EQ(calibration_share(10'000, 64, false), 64);
  EXPECT_EQ(calibration_share(65, 64, true), 64) << "a number that was named holds";
  EXPECT_EQ(calibration_share(65, 64, false), 49);
}

TEST(CalibrationShare, AlwaysLeavesSomethingToMeasureWith) {
  for (std::int64_t size = 2; size < 200; ++size) {
    for (const std::int64_t wanted : {2, 64, 100, 1000}) {
      for (const bool named : {false, true}) {
        const std::int64_t share = calibration_share(size, wanted, named);
        EXPECT_GE(share, 1) << size << " " << wanted;
        EXPECT_LT(share, size) << size << " " << wanted;
      }
    }
  }
}

TEST(UnusedSamples, AreInNeitherOfTheOthers) {
  Samples calibration = small_samples(8);
  calibration.indices = {1, 4};
  EXPECT_EQ(unused_samples(calibration, nullptr), (std::vector<std::int64_t>{0, 2, 3, 5, 6, 7}));
  Samples evaluation = small_samples(8);
  evaluation.indices = {0, 7};
  EXPECT_EQ(unused_samples(calibration, &evaluation), (std::vector<std::int64_t>{2, 3, 5, 6}));
  evaluation.used.source = "other numbers";
  EXPECT_EQ(unused_samples(calibration, &evaluation).size(), 6U) << "indices of another source";
}

TEST(HalvesOf, AreBothFromAllPartsOfTheSource) {
  const Halves halves = halves_of({0, 1, 2, 10, 11, 12, 20});
  EXPECT_EQ(halves.judging, (std::vector<std::int64_t>{0, 2, 11, 20}));
  EXPECT_EQ(halves.measuring, (std::vector<std::int64_t>{1, 10, 12}));
  EXPECT_EQ(halves_of({3, 4, 5}).measuring, halves_of({3, 4, 5}).judging) << "too few to divide";
}

}  // namespace
}  // namespace ompq::pipeline
