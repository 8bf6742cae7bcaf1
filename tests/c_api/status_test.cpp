#include "ompq/c_api/status.h"

#include <new>
#include <set>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::c_api {
namespace {

using ::testing::HasSubstr;

TEST(StatusName, IsTheClassOfTheError) {
  std::set<std::string> names;
  for (int status = OMPQ_IMPORT_ERROR; status <= OMPQ_OTHER_ERROR; ++status) {
    names.insert(status_name(status));
  }
  EXPECT_EQ(names.size(), 11U);
  EXPECT_EQ(names.count(""), 0U);
  EXPECT_STREQ(status_name(OMPQ_CONFIG_ERROR), "ConfigError");
  EXPECT_STREQ(status_name(OMPQ_OK), "");
  EXPECT_STREQ(status_name(99), "");
}

TEST(FailureOf, HasTheKindThePlaceAndTheMessage) {
  const Failure failure = failure_of(InfeasibleBudget("allocation", "too small; give more"));
  EXPECT_EQ(failure.status, OMPQ_INFEASIBLE_BUDGET);
  EXPECT_EQ(failure.where, "allocation");
  EXPECT_EQ(failure.message, "[allocation] too small; give more");
  EXPECT_EQ(failure_of(ShapeError("x", "y")).status, OMPQ_SHAPE_ERROR);
  EXPECT_EQ(failure_of(Interrupted("x", "y")).status, OMPQ_INTERRUPTED);
  EXPECT_EQ(failure_of(Error("x", "y")).status, OMPQ_OTHER_ERROR);
}

TEST(FailureOf, OtherExceptionsAreBugsButForMemory) {
  EXPECT_EQ(failure_of(std::bad_alloc()).status, OMPQ_OUT_OF_MEMORY);
  const Failure bug = failure_of(std::runtime_error("bad \x1b thing"));
  EXPECT_EQ(bug.status, OMPQ_INTERNAL_ERROR);
  EXPECT_THAT(bug.message, HasSubstr("bad \\x1b thing"));
}

}  // namespace
}  // namespace ompq::c_api
