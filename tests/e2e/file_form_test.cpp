#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/ompq.h"
#include "e2e/onnxruntime_agreement.h"
#include "ompq/core/atomic_file.h"
#include "ompq/onnx_io/importer.h"

// What --format and --opset make of a file, and what the other commands say of it.

namespace ompq::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class FileForm : public ::testing::Test {
 protected:
  ProgramResult quantize(std::vector<std::string> more) {
    std::vector<std::string> arguments{"--avg-bits",
                                       "3.5",
                                       "--act-bits",
                                       "8",
                                       "--method",
                                       "nearest",
                                       "--allocator",
                                       "weight-mse",
                                       "--beside",
                                       "none",
                                       "--limit",
                                       "100",
                                       "--output",
                                       file_.string(),
                                       "--result",
                                       (folder_ / "r.json").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ompq(on_fashion_mnist("quantize", shipped_model(), arguments));
  }

  [[nodiscard]] Json result() const { return Json::parse(read_file(folder_ / "r.json")); }

  TemporaryDirectory folder_;
  std::filesystem::path file_ = folder_ / "small.onnx";
};

TEST_F(FileForm, HalfByteCodesOfOpset21SaySoInOnnxRuntimeEvalInspectAndDiff) {
  OMPQ_JUDGE_OR_SKIP();
  ASSERT_EQ(quantize({"--format", "qdq"}).status, 0);
  const auto whole_bytes = std::filesystem::file_size(file_);
  const auto made = quantize({"--format", "qdq", "--opset", "21"});
  ASSERT_EQ(made.status, 0) << made.error;
  // Most of the weights have 4 bits or fewer at 3.5 on average.
  EXPECT_LT(std::filesystem::file_size(file_), 3 * whole_bytes / 4);
  EXPECT_EQ(result()["bytes_on_disk"], std::filesystem::file_size(file_));
  EXPECT_EQ(result()["bytes_promised"], result()["bytes_on_disk"]);
  const Agreement agreement = ours_against_onnxruntime(file_);
  EXPECT_LE(agreement.greatest_difference, 1e-3);
  EXPECT_GE(agreement.same_top1, 0.999);

  const auto evaluated =
      ompq(on_fashion_mnist("eval", file_.string(), {"--limit", "100", "--json"}));
  ASSERT_EQ(evaluated.status, 0) << evaluated.error;
  EXPECT_EQ(Json::parse(evaluated.output)["samples"]["count"], 100);
  const auto compared =
      ompq(on_fashion_mnist("diff", shipped_model(), {file_.string(), "--samples", "8", "--json"}));
  EXPECT_EQ(compared.status, 0) << compared.error;
  const auto inspected = ompq({"inspect", file_.string(), "--json"});
  ASSERT_EQ(inspected.status, 0) << inspected.error;
  const Json json = Json::parse(inspected.output);
  EXPECT_EQ(json["opset"], 21);
  EXPECT_EQ(json["layers"].size(), result()["layers"].size());
}

TEST_F(FileForm, SaysInItselfHowItWasMade) {
  const auto made = quantize({"--opset", "17"});
  ASSERT_EQ(made.status, 0) << made.error;
  EXPECT_EQ(onnx_io::import_onnx(file_).opset, 17);
  const auto inspected = ompq({"inspect", file_.string(), "--json"});
  ASSERT_EQ(inspected.status, 0) << inspected.error;
  const Json note = Json::parse(inspected.output)["quantization"];
  EXPECT_EQ(note["budget"], "avg-bits=3.5");
  EXPECT_EQ(note["float_sha256"], sha256(read_file(shipped_model())));
  EXPECT_EQ(note["weight_bits"], result()["networks"][0]["weight_bits"]);
  for (const Json& bits : note["activation_bits"]) EXPECT_EQ(bits, 8);
  const std::string text = ompq({"inspect", file_.string()}).output;
  EXPECT_THAT(text, AllOf(HasSubstr("made by ompq"), HasSubstr("budget           avg-bits=3.5")));
}

TEST_F(FileForm, AnOpsetThatCannotBeWrittenIsRefusedBeforeAnythingIsMeasured) {
  const auto made = quantize({"--opset", "12"});
  EXPECT_EQ(made.status, 2);
  EXPECT_THAT(made.error,
              AllOf(HasSubstr("opset 12 is not supported"), HasSubstr("give 13 to 25")));
  EXPECT_FALSE(std::filesystem::exists(file_));
  const auto header = quantize({"--opset", "17", "--format", "c-header"});
  EXPECT_EQ(header.status, 2);
  EXPECT_THAT(header.error, HasSubstr("c-header, which is not an ONNX file"));
}

}  // namespace
}  // namespace ompq::testing
