#include "ompq/core/memory_budget.h"

#include <gtest/gtest.h>

namespace ompq {
namespace {

TEST(MemoryBudget, IsNoLimitWithoutTheOption) {
  EXPECT_FALSE(given_memory());
  EXPECT_FALSE(memory_part());
  const MemoryBudget none(0, 6);
  EXPECT_FALSE(given_memory());
}

TEST(MemoryBudget, DividesWhatTheWeightsLeave) {
  const MemoryBudget budget(1000, 6);
  EXPECT_EQ(given_memory(), 1000);
  EXPECT_EQ(memory_part(), 333);
  EXPECT_EQ(add_weight_memory(400), 400);
  EXPECT_EQ(memory_part(), 200);
  EXPECT_EQ(add_weight_memory(4000), 4400);
  EXPECT_EQ(memory_part(), 0);
}

TEST(MemoryBudget, EndsWithItsLifetime) {
  const MemoryBudget outer(1000, 6);
  (void)add_weight_memory(100);
  {
    const MemoryBudget inner(50, 3);
    EXPECT_EQ(memory_part(), 16);
    EXPECT_EQ(weight_copies(), 3);
  }
  EXPECT_EQ(memory_part(), 300);
  EXPECT_EQ(weight_copies(), 6);
}

}  // namespace
}  // namespace ompq
