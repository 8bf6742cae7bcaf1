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

}  // namespace
}  // namespace ompq
