#include "ompq/c_api/sigint_route.h"

#include <csignal>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/progress.h"

namespace ompq::c_api {
namespace {

volatile std::sig_atomic_t calls = 0;

extern "C" void note_sigint(int) { calls = calls + 1; }

/// During its lifetime, SIGINT has this handler.
class Handler {
 public:
  explicit Handler(void (*handler)(int)) : before_(std::signal(SIGINT, handler)) { calls = 0; }
  ~Handler() { std::signal(SIGINT, before_); }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

 private:
  void (*before_)(int);
};

TEST(SigintRoute, CallsTheHandlerAndStopsTheWork) {
  const Handler handler(note_sigint);
  {
    const SigintRoute route;
    std::raise(SIGINT);
    EXPECT_EQ(calls, 1);
    EXPECT_THROW(check_interrupt(), Interrupted);
  }
  std::raise(SIGINT);
  EXPECT_EQ(calls, 2);
  EXPECT_NO_THROW(check_interrupt());
}

TEST(SigintRoute, DoesNotStopLaterWork) {
  const Handler handler(note_sigint);
  {
    const SigintRoute route;
    std::raise(SIGINT);
  }
  EXPECT_NO_THROW(check_interrupt());
}

TEST(SigintRoute, WithinAnotherOneLeavesThatInPlace) {
  const Handler handler(note_sigint);
  const SigintRoute outer;
  { const SigintRoute inner; }
  std::raise(SIGINT);
  EXPECT_EQ(calls, 1);
  EXPECT_THROW(check_interrupt(), Interrupted);
}

TEST(SigintRoute, ChangesNothingWithoutAHandler) {
  const Handler handler(SIG_IGN);
  const SigintRoute route;
  std::raise(SIGINT);
  EXPECT_NO_THROW(check_interrupt());
}

}  // namespace
}  // namespace ompq::c_api
