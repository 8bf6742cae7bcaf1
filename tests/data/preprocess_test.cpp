#include "ompq/data/preprocess.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::data {
namespace {

using ::testing::HasSubstr;

std::string fault_text(const Preprocess& preprocess) {
  return fault_of(preprocess).value_or("no fault");
}

TEST(FaultOf, AcceptsTheDefaultsAndTheirLimits) {
  EXPECT_EQ(fault_text({}), "no fault");
  EXPECT_EQ(fault_text({.channels = "gray", .scale = -1, .mean = {0.5}, .std = {-2}}), "no fault");
  EXPECT_EQ(fault_text({.mean = {0.5}, .std = {1, 2, 3}}), "no fault") << "one for all channels";
  EXPECT_EQ(fault_text({.mean = {1, 2, 3, 4}}), "no fault") << "arrays may have more channels";
  EXPECT_EQ(fault_text({.resize = 1, .crop = PixelSize(16384, 1)}), "no fault");
}

TEST(FaultOf, NamesTheFieldItsValueAndTheRule) {
  EXPECT_EQ(fault_text({.channels = "cmyk"}),
            "channels is \"cmyk\"; use \"rgb\", \"bgr\" or \"gray\"");
  EXPECT_THAT(fault_text({.scale = 0}), HasSubstr("scale is 0; use a number other than 0"));
  EXPECT_THAT(fault_text({.scale = std::numeric_limits<double>::infinity()}),
              HasSubstr("scale is inf"));
  EXPECT_THAT(fault_text({.mean = {1, 2}}), HasSubstr("mean has 2 values for 3 channels"));
  EXPECT_THAT(fault_text({.channels = "gray", .std = {1, 2}}),
              HasSubstr("std has 2 values for 1 channels"));
  EXPECT_THAT(fault_text({.std = {1, 0, 1}}), HasSubstr("std holds 0"));
  EXPECT_THAT(fault_text({.mean = {std::numeric_limits<double>::quiet_NaN()}}),
              HasSubstr("mean holds nan"));
  EXPECT_THAT(fault_text({.resize = 0}), HasSubstr("resize is 0 pixels; use 1..16384"));
  EXPECT_THAT(fault_text({.crop = PixelSize(3, 16385)}), HasSubstr("crop is 16385 pixels"));
  EXPECT_THAT(fault_text({.resize_to = PixelSize(-1, 3)}), HasSubstr("resize is -1 pixels"));
  EXPECT_THAT(fault_text({.resize = 8, .resize_to = PixelSize(4, 5)}),
              HasSubstr("resize is 8 for the shorter side and 4 x 5 for both; give one of them"));
  EXPECT_THAT(fault_text({.interpolation = "area"}), HasSubstr("interpolation is \"area\""));
}

TEST(Validate, ThrowsTheFault) {
  EXPECT_NO_THROW(validate({}));
  try {
    validate({.scale = 0});
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("[preprocessing] scale is 0"));
  }
}

}  // namespace
}  // namespace ompq::data
