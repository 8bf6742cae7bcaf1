#include "ompq/pipeline/companion_files.h"

#include <gtest/gtest.h>

namespace ompq::pipeline {
namespace {

TEST(CompanionFiles, StandNextToTheOutputUnderItsWholeName) {
  EXPECT_EQ(journal_file("a/out.onnx"), "a/out.onnx.journal");
  EXPECT_EQ(checkpoint_file("a/out.onnx"), "a/out.onnx.checkpoint");
  EXPECT_EQ(last_file("a/out.onnx"), "a/out.last.onnx");
}

TEST(CompanionFiles, OfNamesWithoutAnEndingOrWithSeveralDoNotMeet) {
  EXPECT_EQ(last_file("out"), "out.last");
  EXPECT_EQ(last_file("v1.2/net.int4.onnx"), "v1.2/net.int4.last.onnx");
  EXPECT_EQ(journal_file("v1.2/out"), "v1.2/out.journal");
  EXPECT_FALSE(journal_file("out.onnx") == checkpoint_file("out.onnx"));
}

}  // namespace
}  // namespace ompq::pipeline
