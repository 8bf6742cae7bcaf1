#include "ompq/core/signal_shield.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

namespace ompq {
namespace {

using namespace std::chrono_literals;

std::atomic<int> handled{0};
std::atomic<bool> by_caller{false};
pthread_t caller;

extern "C" void note_signal(int) {
  if (::pthread_equal(::pthread_self(), caller) != 0) by_caller = true;
  ++handled;
}

class SignalShieldTest : public ::testing::Test {
 protected:
  void SetUp() override {
    handled = 0;
    by_caller = false;
    caller = ::pthread_self();
    struct sigaction action {};
    action.sa_handler = note_signal;
    ::sigaction(SIGUSR1, &action, &before_);
  }
  void TearDown() override { ::sigaction(SIGUSR1, &before_, nullptr); }

  /// Sends the signal to the process and waits until it was handled.
  static bool is_handled() {
    const int earlier = handled;
    ::kill(::getpid(), SIGUSR1);
    for (int i = 0; i < 2000 && handled == earlier; ++i) std::this_thread::sleep_for(1ms);
    return handled == earlier + 1;
  }
  static bool is_blocked(int signal) {
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return sigismember(&mask, signal) == 1;
  }

 private:
  struct sigaction before_ {};
};

TEST_F(SignalShieldTest, LetsAnotherThreadHandleSignals) {
  const SignalShield shield;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(is_handled());
  EXPECT_FALSE(by_caller);
}

TEST_F(SignalShieldTest, CoversThreadsThatAreStartedFromIt) {
  const SignalShield shield;
  bool blocked = false;
  std::thread([&] { blocked = is_blocked(SIGUSR1) && is_blocked(SIGINT); }).join();
  EXPECT_TRUE(blocked);
}

TEST_F(SignalShieldTest, LeavesFaultsOfTheThreadItself) {
  const SignalShield shield;
  for (const int own : {SIGSEGV, SIGFPE, SIGABRT}) EXPECT_FALSE(is_blocked(own)) << own;
}

TEST_F(SignalShieldTest, RestoresTheMaskAlsoWhenNested) {
  {
    const SignalShield outer;
    { const SignalShield inner; }
    EXPECT_TRUE(is_blocked(SIGUSR1));
    ASSERT_TRUE(is_handled());
    EXPECT_FALSE(by_caller);
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
  ASSERT_TRUE(is_handled());
}

TEST_F(SignalShieldTest, PausesInAGap) {
  { const SignalShieldGap without_a_shield; }
  EXPECT_FALSE(is_blocked(SIGUSR1));
  const SignalShield shield;
  {
    const SignalShieldGap gap;
    EXPECT_FALSE(is_blocked(SIGUSR1));
    ASSERT_TRUE(is_handled());
  }
  EXPECT_TRUE(is_blocked(SIGUSR1));
}

TEST_F(SignalShieldTest, KeepsASignalThatTheCallerBlocksBlocked) {
  sigset_t one;
  sigset_t before;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &one, &before);
  {
    const SignalShield shield;
    ::kill(::getpid(), SIGUSR1);
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(handled, 0);
  }
  EXPECT_TRUE(is_blocked(SIGUSR1));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(handled, 1);
}

}  // namespace
}  // namespace ompq
