#include "ompq/runtime/worker_signals.h"

#include <atomic>
#include <csignal>

#include <gtest/gtest.h>
#include <omp.h>

#include "ompq/core/signal_shield.h"

namespace ompq::runtime {
namespace {

int threads_that_take_signals() {
  std::atomic<int> open{0};
#pragma omp parallel num_threads(4)
  {
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    if (sigismember(&mask, SIGINT) == 0) ++open;
  }
  return open;
}

TEST(ShieldWorkers, CoversThreadsThatExistBeforeTheShield) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(4);
  EXPECT_EQ(threads_that_take_signals(), 4) << "OpenMP's threads are started before the shield";
  {
    const SignalShield shield;
    EXPECT_EQ(threads_that_take_signals(), 3) << "the shield alone covers only this thread";
    shield_workers();
    EXPECT_EQ(threads_that_take_signals(), 0);
  }
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace ompq::runtime
