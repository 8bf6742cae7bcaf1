#include "ompq/core/memory_limit.h"

#include <gtest/gtest.h>

namespace ompq {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

TEST(MemoryLimit, IsADefaultForSmallFilesAndAMultipleOfLargeOnes) {
  EXPECT_EQ(memory_limit(), 256 * kMiB);
  EXPECT_EQ(allowed_bytes(0), 256 * kMiB);
  EXPECT_EQ(allowed_bytes(8 * kMiB), 256 * kMiB);
  EXPECT_EQ(allowed_bytes(9 * kMiB), 288 * kMiB);
  EXPECT_EQ(allowed_bytes(INT64_MAX), INT64_MAX);
}

TEST(MemoryLimit, IsRaisedByTheOptionDuringTheCommandAndNeverLowered) {
  {
    const MemoryLimit raised(1024 * kMiB, true);
    EXPECT_EQ(memory_limit(), 1024 * kMiB);
    EXPECT_EQ(allowed_bytes(100), 1024 * kMiB);
    {
      const MemoryLimit small(kMiB, true);
      EXPECT_EQ(memory_limit(), 256 * kMiB);
    }
    EXPECT_EQ(memory_limit(), 1024 * kMiB);
  }
  EXPECT_EQ(memory_limit(), 256 * kMiB);
}

TEST(MemoryLimit, NamesTheOptionOnlyWhereTheCommandHasIt) {
  EXPECT_EQ(over_memory_limit(4096 * kMiB, 312, "shrink it"),
            "needs 4.00 GiB, more than the limit of 256 MiB for an input of 312 B; shrink it");
  const MemoryLimit option(0, true);
  EXPECT_EQ(
      over_memory_limit(4096 * kMiB + 1, 312, "shrink it"),
      "needs 4.00 GiB, more than the limit of 256 MiB for an input of 312 B; give --memory 5GiB");
  EXPECT_EQ(over_memory_limit(300 * kMiB, 0, "shrink it"),
            "needs 300 MiB, more than the limit of 256 MiB; give --memory 300MiB");
  EXPECT_EQ(over_memory_limit(INT64_MAX, 312, "shrink it"),
            "needs over 8 EiB, more than the limit of 256 MiB for an input of 312 B; shrink it");
}

TEST(MemoryLimit, SumsAndProductsStopAtTheLargestNumber) {
  EXPECT_EQ(saturated_sum(2, 3), 5);
  EXPECT_EQ(saturated_sum(INT64_MAX, 1), INT64_MAX);
  EXPECT_EQ(saturated_product(6, 7), 42);
  EXPECT_EQ(saturated_product(INT64_MAX / 2, 3), INT64_MAX);
  EXPECT_EQ(saturated_product(0, INT64_MAX), 0);
}

}  // namespace
}  // namespace ompq
