#include "ompq/core/progress.h"

#include <thread>

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq {
namespace {

TEST(CheckInterrupt, DoesNothingUnlessAsked) { EXPECT_NO_THROW(check_interrupt()); }

TEST(CheckInterrupt, StopsOnceForEachRequest) {
  request_interrupt();
  EXPECT_THROW(check_interrupt(), Interrupted);
  EXPECT_NO_THROW(check_interrupt());
}

TEST(CheckInterrupt, SeesARequestOfAnotherThread) {
  std::thread(request_interrupt).join();
  EXPECT_THROW(check_interrupt(), Interrupted);
}

}  // namespace
}  // namespace ompq
