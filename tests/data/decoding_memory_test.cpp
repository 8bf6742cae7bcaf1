#include "ompq/data/decoding_memory.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/memory_limit.h"

namespace ompq::data {
namespace {

/// The most that `threads` threads, each with one image of `bytes` after another, had reserved.
std::int64_t most_reserved(int threads, std::int64_t bytes) {
  std::atomic<std::int64_t> most = 0;
  const auto work = [&] {
    for (int image = 0; image < 50; ++image) {
      const DecodingMemory memory;
      DecodingMemory::reserve(bytes);
      const std::int64_t now = DecodingMemory::reserved();
      std::int64_t seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::yield();
    }
  };
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) all.emplace_back(work);
  for (std::thread& thread : all) thread.join();
  return most;
}

TEST(DecodingMemory, OfAllThreadsStaysWithinTheLimit) {
  const std::int64_t third = memory_limit() / 3;
  const std::int64_t most = most_reserved(8, third);
  EXPECT_LE(most, memory_limit());
  EXPECT_GE(most, third);
  EXPECT_EQ(DecodingMemory::reserved(), 0);
}

TEST(DecodingMemory, OneImageMayNeedMoreThanTheLimit) {
  const std::int64_t large = 2 * memory_limit();
  EXPECT_EQ(most_reserved(4, large), large);
  EXPECT_EQ(DecodingMemory::reserved(), 0);
}

TEST(DecodingMemory, AScopeWithinAnotherOneWaitsForNobody) {
  const DecodingMemory outer;
  DecodingMemory::reserve(memory_limit());
  {
    const DecodingMemory inner;
    DecodingMemory::reserve(memory_limit());
    EXPECT_EQ(DecodingMemory::reserved(), 2 * memory_limit());
  }
  EXPECT_EQ(DecodingMemory::reserved(), 2 * memory_limit());
}

TEST(DecodingMemory, IsNotCountedWithoutAScope) {
  DecodingMemory::reserve(memory_limit());
  EXPECT_EQ(DecodingMemory::reserved(), 0);
}

}  // namespace
}  // namespace ompq::data
