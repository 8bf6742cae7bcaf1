#include "ompq/core/time_limit.h"

#include <thread>

#include <gtest/gtest.h>

#include "ompq/core/progress.h"

namespace ompq {
namespace {

TEST(Deadline, CountsFromItsConstruction) {
  const Deadline deadline(1000);
  EXPECT_GT(deadline.remaining(), 900);
  EXPECT_FALSE(deadline.forbids(900));
  EXPECT_TRUE(deadline.forbids(1001));
  EXPECT_NEAR(deadline.part(0.25).remaining(), 250, 50);
  EXPECT_NEAR(deadline.earlier(400).remaining(), 600, 50);
  EXPECT_LT(Deadline(-5).remaining(), 0);
  EXPECT_FALSE(Deadline(1e300).forbids(1e6));  // beyond what a clock can count
}

TEST(TimeLimit, StopsTheWorkOfItsThreadAtTheNextCheck) {
  bool went_on = false;
  EXPECT_FALSE(finishes_before(Deadline(0), [&] {
    std::thread([] { check_interrupt(); }).join();
    check_interrupt();
    went_on = true;
  }));
  EXPECT_FALSE(went_on);
  check_interrupt();  // the limit has ended
  EXPECT_TRUE(finishes_before(Deadline(1000), [] { check_interrupt(); }));
}

TEST(TimeLimit, ThatComesFirstCountsWhereTheyAreNested) {
  bool inner_returned = false;
  const bool outer = finishes_before(Deadline(0), [&] {
    (void)finishes_before(Deadline(1000), [] { check_interrupt(); });
    inner_returned = true;
  });
  EXPECT_FALSE(outer);
  EXPECT_FALSE(inner_returned);

  EXPECT_TRUE(finishes_before(Deadline(1000), [] {
    EXPECT_FALSE(finishes_before(Deadline(0), [] { check_interrupt(); }));
    check_interrupt();
  }));
}

}  // namespace
}  // namespace ompq
