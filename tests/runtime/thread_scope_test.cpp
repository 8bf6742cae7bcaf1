#include "ompq/runtime/thread_scope.h"

#include <stdexcept>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <omp.h>

#include "ompq/core/error.h"

namespace ompq::runtime {
namespace {

TEST(ThreadScope, SetsAndRestoresBothPools) {
  const int before = omp_get_max_threads();
  {
    const ThreadScope outer(3);
    EXPECT_EQ(omp_get_max_threads(), 3);
    EXPECT_EQ(at::get_num_threads(), 3);
    {
      const ThreadScope inner(1);
      EXPECT_EQ(omp_get_max_threads(), 1);
      EXPECT_EQ(at::get_num_threads(), 1);
    }
    EXPECT_EQ(omp_get_max_threads(), 3);
  }
  EXPECT_EQ(omp_get_max_threads(), before);
}

TEST(ThreadScope, RestoresThemAfterAnError) {
  const int before = omp_get_max_threads();
  try {
    const ThreadScope scope(before + 1);
    throw std::runtime_error("within");
  } catch (const std::runtime_error&) {
    EXPECT_EQ(omp_get_max_threads(), before);
  }
}

TEST(ResolvedThreads, AreTheGivenNumberOrAllCores) {
  EXPECT_EQ(resolved_threads(5), 5);
  EXPECT_EQ(resolved_threads(0), omp_get_num_procs());
  EXPECT_THROW((void)resolved_threads(-1), ConfigError);
}

}  // namespace
}  // namespace ompq::runtime
