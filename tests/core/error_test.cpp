#include "ompq/core/error.h"

#include <memory>
#include <new>
#include <vector>

#include <gtest/gtest.h>

namespace ompq {
namespace {

TEST(Error, SaysWhereAndWhat) {
  const DataError error("image.png", "has 0 bytes; leave it out");
  EXPECT_STREQ(error.what(), "[image.png] has 0 bytes; leave it out");
  EXPECT_EQ(error.where(), "image.png");
}

TEST(ExitCodeFor, KnowsEveryKindOfError) {
  EXPECT_EQ(exit_code_for(ImportError("a", "b")), ExitCode::BadInput);
  EXPECT_EQ(exit_code_for(UnsupportedOp("a", "b")), ExitCode::BadInput);
  EXPECT_EQ(exit_code_for(ShapeError("a", "b")), ExitCode::BadInput);
  EXPECT_EQ(exit_code_for(DataError("a", "b")), ExitCode::BadInput);
  EXPECT_EQ(exit_code_for(FileError("a", "b")), ExitCode::BadInput);
  EXPECT_EQ(exit_code_for(InfeasibleBudget("a", "b")), ExitCode::NoAllocation);
  EXPECT_EQ(exit_code_for(ConfigError("a", "b")), ExitCode::WrongUsage);
  EXPECT_EQ(exit_code_for(Interrupted("a", "b")), ExitCode::Interrupted);
  EXPECT_EQ(exit_code_for(InternalError("a", "b")), ExitCode::OwnFault);
  EXPECT_EQ(exit_code_for(std::bad_alloc()), ExitCode::OwnFault);
}

}  // namespace
}  // namespace ompq
