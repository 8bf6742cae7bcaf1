#include "ompq/rounding/sample_cache.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

namespace ompq::rounding {
namespace {

using ::testing::HasSubstr;

MatrixView view_of(const Tensor& values) {
  const auto& shape = values.shape();
  return {values.bytes().data(), values.type(), shape[0], shape[1], shape[1]};
}

TEST(SampleCache, ErrsByHalfOfAThirtyTwoThousandthOfTheRowsLargestMagnitude) {
  const Tensor values = testing::normal_samples({5, 1000}, 1);
  CacheMemory memory(1 << 20);
  SampleCache cache(5, 1000, memory);
  cache.write(0, view_of(values));
  std::vector<float> row(1000);
  for (std::int64_t r = 0; r < 5; ++r) {
    const auto exact = values.data<float>().subspan(static_cast<std::size_t>(r) * 1000, 1000);
    float max = 0.0F;
    for (const float value : exact) max = std::max(max, std::abs(value));
    cache.read(r, row);
    for (std::size_t i = 0; i < row.size(); ++i) {
      // Half a step, and the float32 roundings of the step and of both products.
      ASSERT_NEAR(row[i], exact[i], max * (0.5 / 32767 + 4 * 0x1p-24)) << "row " << r << ", " << i;
    }
  }
}

TEST(SampleCache, IsHarmlessToAnEightBitQuantizerWhereBfloat16IsNot) {
  const Tensor values = testing::normal_samples({1, 20000}, 2);
  CacheMemory memory(1 << 20);
  SampleCache cache(1, 20000, memory);
  cache.write(0, view_of(values));
  std::vector<float> row(20000);
  cache.read(0, row);
  const auto exact = values.data<float>();
  const float max = *std::ranges::max_element(exact);
  const float step = max / 127;
  int cached = 0;
  int narrowed = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const float level = std::nearbyint(exact[i] / step);
    cached += std::nearbyint(row[i] / step) != level ? 1 : 0;
    const float narrow = bfloat16_to_float(float_to_bfloat16(exact[i]));
    narrowed += std::nearbyint(narrow / step) != level ? 1 : 0;
  }
  // A value changes its code if it lies within half of a cached step, 1/258 of the quantizer's, of
  // a boundary: on both sides that is 1/258 of all values on average; five deviations above.
  const double expected = 20000.0 / 258.0;
  EXPECT_LT(cached, expected + 5 * std::sqrt(expected));
  EXPECT_GT(narrowed, 4 * cached);
}

TEST(SampleCache, ReadsTheSameFromAMappedFile) {
  const Tensor values = testing::normal_samples({7, 33}, 3);
  CacheMemory much(1 << 20);
  CacheMemory none(0);
  SampleCache kept(7, 33, much);
  SampleCache mapped(7, 33, none);
  EXPECT_TRUE(kept.in_memory());
  EXPECT_FALSE(mapped.in_memory());
  for (SampleCache* cache : {&kept, &mapped}) cache->write(0, view_of(values));
  mapped.release_pages();
  std::vector<float> a(33);
  std::vector<float> b(33);
  for (std::int64_t r = 0; r < 7; ++r) {
    kept.read(r, a);
    mapped.read(r, b);
    EXPECT_EQ(a, b) << "row " << r;
  }
}

/// Bytes of mapped files that count as this process's memory.
std::int64_t resident_file_bytes() {
  std::ifstream status("/proc/self/status");
  std::string key;
  while (status >> key) {
    std::int64_t kib = 0;
    if (key == "RssFile:" && status >> kib) return kib * 1024;
  }
  ADD_FAILURE() << "no RssFile in /proc/self/status";
  return 0;
}

TEST(SampleCache, KeepsLittleOfALargeFileInMemory) {
  constexpr std::int64_t kRows = 600;
  constexpr std::int64_t kCols = 1 << 19;
  constexpr std::int64_t kMost = std::int64_t{260} << 20;
  CacheMemory none(0);
  SampleCache mapped(kRows, kCols, none);  // 600 MiB
  const std::int64_t before = resident_file_bytes();
  std::vector<float> row(kCols);
  for (std::int64_t r = 0; r < kRows; ++r) {
    row[0] = static_cast<float>(r + 1);
    mapped.write(r, {row.data(), DataType::Float32, 1, kCols, kCols});
    ASSERT_LT(resident_file_bytes() - before, kMost) << "writing row " << r;
  }
  for (std::int64_t r = 0; r < kRows; ++r) {
    mapped.read(r, row);
    ASSERT_NEAR(row[0], static_cast<float>(r + 1), 1e-3F) << "row " << r;
    ASSERT_LT(resident_file_bytes() - before, kMost) << "reading row " << r;
  }
}

TEST(SampleCache, GivesItsMemoryBack) {
  CacheMemory memory(1000);
  {
    const SampleCache first(10, 40, memory);
    EXPECT_TRUE(first.in_memory());
    EXPECT_EQ(memory.used_bytes(), 800);
    const SampleCache second(10, 40, memory);
    EXPECT_FALSE(second.in_memory());
  }
  EXPECT_EQ(memory.used_bytes(), 0);
}

TEST(SampleCache, LeavesNoFileBehind) {
  const testing::TemporaryDirectory directory;
  CacheMemory memory(0, directory.path());
  const SampleCache cache(4, 4, memory);
  EXPECT_FALSE(cache.in_memory());
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(SampleCache, AsksForTheTemporaryFolderOnlyWhenAFileIsNeeded) {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  setenv("TMPDIR", "/nonexistent/no-such-folder", 1);
  CacheMemory roomy(1 << 20);
  EXPECT_NO_THROW(SampleCache(4, 4, roomy));
  CacheMemory none(0);
  try {
    const SampleCache cache(4, 4, none);
    ADD_FAILURE() << "a file was made where no folder is";
  } catch (const FileError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("no-such-folder"));
  }
  before == nullptr ? unsetenv("TMPDIR") : setenv("TMPDIR", kept.c_str(), 1);
}

TEST(SampleCache, ReadsBfloat16AsTheRoundedFloat) {
  const Tensor values = testing::normal_samples({1, 100}, 4);
  CacheMemory memory(1 << 20);
  SampleCache cache(1, 100, memory);
  cache.write(0, view_of(values));
  std::vector<float> row(100);
  std::vector<std::uint16_t> narrow(100);
  cache.read(0, row);
  cache.read_bfloat16(0, narrow);
  for (std::size_t i = 0; i < row.size(); ++i) EXPECT_EQ(narrow[i], float_to_bfloat16(row[i]));
}

TEST(SampleCache, KeepsZeroRowsAndTinyOnes) {
  Tensor values(DataType::Float32, {2, 3});
  values.mutable_data<float>()[3] = 1e-44F;
  CacheMemory memory(1 << 20);
  SampleCache cache(2, 3, memory);
  cache.write(0, view_of(values));
  std::vector<float> row(3);
  for (std::int64_t r = 0; r < 2; ++r) {
    cache.read(r, row);
    for (const float value : row) EXPECT_NEAR(value, 0.0F, 1e-38F);
  }
}

TEST(SampleCache, NamesTheSampleWithNaN) {
  Tensor values(DataType::Float32, {3, 2});
  values.mutable_data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  CacheMemory memory(1 << 20);
  SampleCache cache(10, 2, memory);
  try {
    cache.write(4, view_of(values));
    FAIL() << "NaN was cached";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("sample 5"));
  }
}

TEST(SampleCache, RefusesRowsThatDoNotFit) {
  CacheMemory memory(1 << 20);
  SampleCache cache(2, 3, memory);
  EXPECT_THROW(cache.write(1, view_of(Tensor(DataType::Float32, {2, 3}))), ShapeError);
  EXPECT_THROW(cache.write(0, view_of(Tensor(DataType::Float32, {2, 4}))), ShapeError);
}

TEST(SampleCache, SaysThatTheDirectoryIsMissing) {
  CacheMemory memory(0, "/nowhere/at/all");
  EXPECT_THROW(SampleCache(2, 3, memory), FileError);
  EXPECT_THROW(CacheMemory(-1), ConfigError);
}

}  // namespace
}  // namespace ompq::rounding
