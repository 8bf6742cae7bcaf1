#include "ompq/core/added_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ScopedName, IsAmongTheAddedNamesOfItsKindWhileItLives) {
  {
    const ScopedName first("metric", "first");
    const ScopedName other("format", "first");
    const ScopedName second("metric", "second");
    EXPECT_THAT(added_names("metric"), ElementsAre("first", "second"));
    EXPECT_THAT(added_names("format"), ElementsAre("first"));
  }
  EXPECT_THAT(added_names("metric"), IsEmpty());
  EXPECT_THAT(added_names("format"), IsEmpty());
}

}  // namespace
}  // namespace ompq
