#include "ompq/pipeline/samples.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace ompq::pipeline
