#include "ompq/core/error.h"

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/display_text.h"
#include "ompq/core/error_list.h"

namespace ompq {
namespace {

std::string text_of(const ErrorList& errors) {
  try {
    errors.throw_if_any<DataError>("file");
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Error, SaysWhereAndWhat) {
  const DataError error("image.png", "has 0 bytes; leave it out");
  EXPECT_STREQ(error.what(), "[image.png] has 0 bytes; leave it out");
  EXPECT_EQ(error.where(), "image.png");
}

TEST(Error, EscapesAndShortensWhatItIsMadeOf) {
  const DataError error("a\nb\x1b[31m", std::string("layer '\0\x1b[2J\nfake: ", 19) + "'; fix it");
  EXPECT_EQ(error.where(), "a\\nb\\x1b[31m");
  EXPECT_STREQ(error.what(), "[a\\nb\\x1b[31m] layer '\\x00\\x1b[2J\\nfake: '; fix it");
  EXPECT_EQ(error.reason(), "layer '\\x00\\x1b[2J\\nfake: '; fix it");
  const DataError again(error.where(), error.reason());
  EXPECT_STREQ(again.what(), error.what()) << "escaping twice changes nothing";
  const std::string huge(1'000'000, 'x');
  const DataError large(huge, "layer '" + huge + "' and '" + huge + "' differ; fix it");
  EXPECT_LT(std::string(large.what()).size(), 2000U);
  EXPECT_NE(large.reason().find("' differ; fix it"), std::string::npos);
}

TEST(Error, HasLinesOnlyWhereTheyAreMeant) {
  const UnsupportedOp error("net.onnx", std::vector<std::string>{"2 nodes:", "  a\n  b", "  c"});
  EXPECT_STREQ(error.what(), "[net.onnx] 2 nodes:\n  a\\n  b\n  c");
  EXPECT_STREQ(UnsupportedOp("other", lines_of(error.reason())).what(),
               "[other] 2 nodes:\n  a\\n  b\n  c");
}

TEST(ErrorList, GivesOneErrorUnchangedAndManyAsLines) {
  ErrorList errors;
  EXPECT_NO_THROW(errors.throw_if_any<DataError>("file"));
  errors.add("a\nb");
  EXPECT_EQ(text_of(errors), "[file] a\\nb");
  errors.add("c");
  EXPECT_EQ(text_of(errors), "[file] 2 errors:\n  a\\nb\n  c");
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
  EXPECT_EQ(exit_code_for(OutOfMemory("a", "b")), ExitCode::BadInput);
  EXPECT_EQ(exit_code_for(std::bad_alloc()), ExitCode::BadInput);
  EXPECT_EQ(exit_code_for(std::logic_error("a")), ExitCode::OwnFault);
}

}  // namespace
}  // namespace ompq
