#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "e2e/ompq.h"
#include "e2e/running_program.h"
#include "ompq/core/atomic_file.h"

// The ways from float weights to codes, through the program, with few samples: what each promises.

namespace ompq::testing {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> quantize(const std::filesystem::path& out,
                                  const std::vector<std::string>& more) {
  std::vector<std::string> arguments = on_fashion_mnist("quantize",
                                                        shipped_model(),
                                                        {"--avg-bits",
                                                         "2.5",
                                                         "--beside",
                                                         "none",
                                                         "--limit",
                                                         "200",
                                                         "--tuning-samples",
                                                         "128",
                                                         "--output",
                                                         out.string()});
  arguments.insert(arguments.end(), more.begin(), more.end());
  const bool named = std::find(more.begin(), more.end(), "--allocator") != more.end();
  if (!named) arguments.insert(arguments.end(), {"--allocator", "weight-mse"});
  return arguments;
}

nlohmann::json result_of(const TemporaryDirectory& folder, std::vector<std::string> more) {
  more.insert(more.end(), {"--result", folder / "out.json"});
  const auto made = ompq(quantize(folder / "out.onnx", more));
  EXPECT_EQ(made.status, 0) << made.error;
  return nlohmann::json::parse(read_file(folder / "out.json"));
}

class QuantizeMethod : public ::testing::TestWithParam<std::string> {};

TEST_P(QuantizeMethod, WritesThePromisedSizeAndLeavesNoJournal) {
  const TemporaryDirectory folder;
  const auto json =
      result_of(folder, {"--method", GetParam(), "--iterations", "20", "--epochs", "1"});
  EXPECT_EQ(json["networks"][0]["method"], GetParam());
  EXPECT_EQ(json["bytes_on_disk"], std::filesystem::file_size(folder / "out.onnx"));
  EXPECT_EQ(json["bytes_on_disk"], json["bytes_promised"]);
  EXPECT_FALSE(std::filesystem::exists(folder / "out.onnx.journal"));
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    QuantizeMethod,
    ::testing::Values("nearest", "gptq", "adaround", "brecq", "qdrop", "distill"),
    [](const auto& tested) { return tested.param; });

TEST(Quantize, GoesOnBehindAKillInDistillationAndWritesTheSameBytes) {
  const TemporaryDirectory folder;
  const std::vector<std::string> method{"--method", "distill", "--epochs", "6"};
  ASSERT_EQ(ompq(quantize(folder / "whole.onnx", method)).status, 0);

  std::vector<std::string> command = quantize(folder / "killed.onnx", method);
  command.insert(command.begin(), OMPQ_PROGRAM);
  RunningProgram program(command, folder / "error");
  // Its first line, the widths, a line for each of 22 layers, and two epochs.
  ASSERT_TRUE(program.wait_for_lines(folder / "killed.onnx.journal", 26)) << program.error();
  program.kill_at_once();
  ASSERT_TRUE(WIFSIGNALED(program.wait())) << "it ended before it could be killed";
  ASSERT_THAT(read_file(folder / "killed.onnx.journal"), HasSubstr("distillation 1"));
  EXPECT_FALSE(std::filesystem::exists(folder / "killed.onnx"));

  ASSERT_EQ(ompq(quantize(folder / "killed.onnx", method)).status, 0);
  EXPECT_EQ(read_file(folder / "killed.onnx"), read_file(folder / "whole.onnx"));
}

TEST(Quantize, IsNotHeldUpByTheJournalOfAnotherRun) {
  const TemporaryDirectory folder;
  // The whole first line and one unit: what a kill after the search leaves.
  write_file_atomically(folder / "out.onnx.journal",
                        "{\"format\":\"ompq-journal/2\",\"fingerprint\":\"other\"}\n"
                        "{\"key\":\"widths\",\"value\":1}\n");
  const std::vector<std::string> method{"--method", "gptq"};
  ASSERT_EQ(ompq(quantize(folder / "alone.onnx", method)).status, 0);
  const auto made = ompq(quantize(folder / "out.onnx", method));
  ASSERT_EQ(made.status, 0) << made.error;
  EXPECT_EQ(read_file(folder / "out.onnx"), read_file(folder / "alone.onnx"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out.onnx.journal"));
}

TEST(Quantize, PreparesAsItIsTold) {
  const TemporaryDirectory folder;
  const auto snr = [&](const std::string& steps) {
    const auto json = result_of(folder, {"--method", "nearest", "--prepare", steps});
    return json["evaluation"]["snr_db"].get<double>();
  };
  const double plain = snr("none");
  EXPECT_GT(snr("norm-reestimation"), plain);
  EXPECT_GT(snr("bias-correction,norm-reestimation"), plain);
  // Scales are one a row, so that a row's own factor changes nothing; the columns of the layer that
  // reads it become more even, and fewer of a row's weights fall below half a scale.
  EXPECT_GT(snr("equalize"), plain);
}

/// Correcting a mean assumes small errors. Rounding to nearest at 2.5 bits makes large ones, and 22
/// corrections one after the other spoil the network as a whole. In the network of four layers of
/// tests/ptq/fixed_batch_test.cpp they help and are kept.
TEST(Quantize, DropsCorrectedBiasesWhereTheNetworkAsAWholeLoses) {
  const TemporaryDirectory folder;
  const auto json = result_of(folder, {"--method", "nearest", "--prepare", "bias-correction"});
  const auto& restoration = json["reconstruction"]["restoration"];
  const double before = restoration["snr_before_db"];
  const double after = restoration["snr_after_db"];
  EXPECT_LT(after, before);
  EXPECT_EQ(restoration["kept_initial"], true);
  const auto plain = result_of(folder, {"--method", "nearest", "--prepare", "none"});
  EXPECT_EQ(json["evaluation"]["snr_db"], plain["evaluation"]["snr_db"]);
}

TEST(Quantize, MetricsAreMeasuredWithTheRoundingThatIsNamed) {
  const TemporaryDirectory folder;
  const auto losses = [&](const std::string& rounding) {
    return result_of(
        folder,
        {"--method", "nearest", "--allocator", "output-mse", "--for", rounding})["losses"][0]
                                                                                ["values"];
  };
  const auto nearest = losses("nearest").get<std::vector<std::vector<double>>>();
  const auto gptq = losses("gptq").get<std::vector<std::vector<double>>>();
  ASSERT_EQ(nearest.size(), 22U);
  ASSERT_EQ(gptq.size(), nearest.size());
  // gptq minimizes the very error of each layer's output that rounding to nearest ignores. Up to 5
  // bits that error is well above what calibration samples leave open.
  for (std::size_t l = 0; l < nearest.size(); ++l) {
    for (std::size_t w = 1; w < 5; ++w) {
      EXPECT_LT(gptq[l][w], nearest[l][w]) << "layer " << l << " at " << w + 1 << " bits";
    }
  }
}

TEST(Quantize, ExplainsEachLayer) {
  const TemporaryDirectory folder;
  const auto json = result_of(folder, {"--method", "gptq", "--explain"});
  ASSERT_TRUE(json.contains("diagnosis"));
  EXPECT_EQ(json["diagnosis"]["layers"].size(), json["layers"].size());
}

TEST(Quantize, EncodingsAndHeadersLieWhereItSays) {
  const TemporaryDirectory folder;
  const auto encodings = result_of(folder, {"--method", "nearest", "--format", "encodings"});
  EXPECT_EQ(encodings["bytes_on_disk"], std::filesystem::file_size(folder / "out.onnx"));
  const auto json = nlohmann::json::parse(read_file(folder / "out.encodings"));
  EXPECT_EQ(json["param_encodings"].size(), encodings["layers"].size());
  const auto made =
      ompq(quantize(folder / "net.h", {"--method", "nearest", "--format", "c-header"}));
  ASSERT_EQ(made.status, 0) << made.error;
  EXPECT_THAT(read_file(folder / "net.h"), HasSubstr("net_conv1_codes"));
}

}  // namespace
}  // namespace ompq::testing
