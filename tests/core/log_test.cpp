#include "ompq/core/log.h"

#include <sstream>

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

namespace ompq {
namespace {

TEST(Log, WritesNowhereUntilItIsGivenASink) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  log().error("nobody hears this");
  log().flush();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Log, WritesToTheSinkOfAnApplication) {
  std::ostringstream heard;
  const auto before = log().sinks();
  log().sinks() = {std::make_shared<spdlog::sinks::ostream_sink_mt>(heard)};
  log().warn("3 samples are left out");
  log().sinks() = before;
  EXPECT_NE(heard.str().find("3 samples are left out"), std::string::npos) << heard.str();
}

TEST(Log, GivesItsSinksOneSafeLineForEachMessage) {
  std::ostringstream heard;
  const auto before = log().sinks();
  const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(heard);
  sink->set_pattern("%v");
  log().sinks() = {sink};
  log().warn("{}", std::string("layer '\x1b]0;title\x07\nfake\0end'", 27) + std::string(9999, 'x'));
  log().sinks() = before;
  EXPECT_EQ(heard.str().find("layer '\\x1b]0;title\\x07\\nfake\\x00end'"), 0U) << heard.str();
  EXPECT_EQ(heard.str().find('\n'), heard.str().size() - 1);
  EXPECT_LT(heard.str().size(), 2000U);
}

}  // namespace
}  // namespace ompq
