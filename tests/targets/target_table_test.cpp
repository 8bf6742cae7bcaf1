#include "ompq/targets/target_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::targets {
namespace {

TEST(Targets, AreFoundByName) {
  EXPECT_FALSE(target("exact").integer_kernels);
  EXPECT_TRUE(target("onnxruntime").integer_kernels);
  EXPECT_EQ(target(kDefaultTarget).name, kDefaultTarget);
}

TEST(Targets, AnUnknownNameIsRefusedWithTheNearestOne) {
  try {
    (void)target("onnxruntim");
    FAIL() << "an unknown target was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("--target"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("did you mean 'onnxruntime'"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("exact"));
  }
}

}  // namespace
}  // namespace ompq::targets
