#include "ompq/ops/allocation_failure.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(AllocationFailure, IsReadFromLibTorchsOwnMessage) {
  constexpr std::int64_t kFloats = std::int64_t{1} << 45;
  try {
    (void)at::empty({kFloats}, at::kFloat);
    FAIL() << "128 TiB were allocated";
  } catch (const c10::Error& error) {
    const auto failure = allocation_failure(error.what_without_backtrace(), "Tile node 't'");
    ASSERT_TRUE(failure) << error.what_without_backtrace();
    EXPECT_EQ(failure->where(), "Tile node 't'");
    EXPECT_THAT(failure->what(), HasSubstr("for 131072 GiB more"));
    EXPECT_THAT(failure->what(), Not(HasSubstr("Allocator")));
  }
}

TEST(AllocationFailure, IsNoOtherError) {
  EXPECT_FALSE(allocation_failure("expected scalar type Float but found Long"));
}

}  // namespace
}  // namespace ompq::ops
