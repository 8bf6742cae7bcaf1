#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/ompq.h"
#include "ompq/core/atomic_file.h"

// What a newcomer runs first.

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(Demo, WritesANetworkItsFiguresAndThePage) {
  const TemporaryDirectory folder;
  const fs::path out = folder / "new folder" / "demo";
  const ProgramResult result = ompq({"demo", "--output", out.string()});
  if (result.error.find("are not installed there") != std::string::npos) {
    GTEST_SKIP() << "the demo's images were not made; python3 and dataset-fashion-mnist are needed";
  }
  if (result.error.find("has no page") != std::string::npos) {
    GTEST_SKIP() << "this build has no report page";
  }
  ASSERT_EQ(result.status, 0) << result.error;
  EXPECT_THAT(result.output, HasSubstr("$ ompq quantize "));
  EXPECT_THAT(result.output, HasSubstr("$ ompq report "));
  const auto document = nlohmann::json::parse(read_file(out / "resnet20-3bit.json"));
  const auto& networks = document.at("networks");
  ASSERT_EQ(networks.size(), 3U);
  EXPECT_EQ(networks.at(0).at("bytes_on_disk"), fs::file_size(out / "resnet20-3bit.onnx"));
  EXPECT_THAT(read_file(out / "report.html"), HasSubstr("</html>"));
}

TEST(Demo, RefusesAFolderThatCannotBeMade) {
  const ProgramResult result = ompq({"demo", "--output", "/proc/ompq-demo"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.error, HasSubstr("/proc/ompq-demo"));
}

}  // namespace
}  // namespace ompq::testing
