#include "ompq/core/first_failure.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace ompq {
namespace {

TEST(FirstFailure, IsThrownAfterTheThreads) {
  FirstFailure failure;
  std::atomic<int> done = 0;
  const auto work = [&](int thread) {
    for (int i = 0; i < 25; ++i) {
      failure.guard([&] {
        if (i % 5 == 3) throw std::runtime_error("of thread " + std::to_string(thread));
        ++done;
      });
    }
  };
  // Not OpenMP's, which would stay and take the signals of other tests.
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 80);
  EXPECT_THROW(failure.rethrow(), std::runtime_error);
}

TEST(FirstFailure, DoesNothingWithoutOne) {
  FirstFailure failure;
  failure.guard([] {});
  EXPECT_NO_THROW(failure.rethrow());
}

}  // namespace
}  // namespace ompq
