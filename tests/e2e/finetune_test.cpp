#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "e2e/ompq.h"
#include "e2e/onnxruntime_agreement.h"
#include "e2e/running_program.h"
#include "ompq/core/atomic_file.h"

// `ompq finetune` on the networks that ship, with few samples: what it promises, not how well it
// trains.

namespace ompq::testing {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> finetune(const std::filesystem::path& out,
                                  const std::vector<std::string>& more) {
  std::vector<std::string> arguments = on_fashion_mnist("finetune",
                                                        shipped_model(),
                                                        {"--eval-data",
                                                         OMPQ_FASHION_MNIST,
                                                         "--limit",
                                                         "200",
                                                         "--train-samples",
                                                         "512",
                                                         "--start",
                                                         "nearest",
                                                         "--allocator",
                                                         "weight-mse",
                                                         "--output",
                                                         out.string()});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(Finetune, WritesAFileThatOnnxRuntimeRunsToTheSameNumbers) {
  OMPQ_JUDGE_OR_SKIP();
  const TemporaryDirectory folder;
  for (const std::string bits : {"8", "4"}) {
    const auto result = ompq(finetune(
        folder / "out.onnx",
        {"--avg-bits", "3", "--act-bits", bits, "--epochs", "1", "--result", folder / "out.json"}));
    ASSERT_EQ(result.status, 0) << result.error;
    const auto json = nlohmann::json::parse(read_file(folder / "out.json"));
    EXPECT_EQ(json["bytes_on_disk"], json["bytes_promised"]);
    EXPECT_EQ(json["bytes_on_disk"], std::filesystem::file_size(folder / "out.onnx"));
    const Agreement agreement = ours_against_onnxruntime(folder / "out.onnx");
    RecordProperty("greatest_difference_a" + bits, std::to_string(agreement.greatest_difference));
    EXPECT_LE(agreement.greatest_difference, 1e-3);
  }
}

TEST(Finetune, GoesOnBehindAKillAndWritesTheSameBytes) {
  const TemporaryDirectory folder;
  const std::vector<std::string> training{
      "--avg-bits", "3", "--epochs", "3", "--checkpoint-every", "1ms", "--log"};
  const auto arguments = [&](const std::string& name) {
    auto all = finetune(folder / (name + ".onnx"), training);
    all.push_back((folder / (name + ".jsonl")).string());
    return all;
  };
  ASSERT_EQ(ompq(arguments("whole")).status, 0);

  std::vector<std::string> command = arguments("killed");
  command.insert(command.begin(), OMPQ_PROGRAM);
  RunningProgram program(command, folder / "error");
  ASSERT_TRUE(program.wait_for_lines(folder / "killed.jsonl", 1)) << program.error();
  program.kill_at_once();
  ASSERT_TRUE(WIFSIGNALED(program.wait())) << "it ended before it could be killed";
  ASSERT_TRUE(std::filesystem::exists(folder / "killed.onnx.checkpoint"));

  const auto rest = ompq(arguments("killed"));
  ASSERT_EQ(rest.status, 0) << rest.error;
  EXPECT_THAT(rest.output, HasSubstr("in earlier runs"));
  EXPECT_EQ(read_file(folder / "killed.onnx"), read_file(folder / "whole.onnx"));
  EXPECT_FALSE(std::filesystem::exists(folder / "killed.onnx.checkpoint"));
  EXPECT_FALSE(std::filesystem::exists(folder / "killed.onnx.journal"));
}

TEST(Finetune, EndsCleanlyWhenInterruptedAndSaysHowToGoOn) {
  const TemporaryDirectory folder;
  std::vector<std::string> command = finetune(
      folder / "out.onnx", {"--avg-bits", "3", "--epochs", "100", "--log", folder / "log.jsonl"});
  std::erase(command, "--quiet");
  command.insert(command.begin(), OMPQ_PROGRAM);
  RunningProgram program(command, folder / "error");
  ASSERT_TRUE(program.wait_for_lines(folder / "log.jsonl", 1)) << program.error();
  program.interrupt();
  const int status = program.wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_THAT(program.error(), HasSubstr("run the same command to resume"));

  std::vector<std::string> other =
      finetune(folder / "out.onnx", {"--avg-bits", "3", "--epochs", "1", "--lr", "0.0001"});
  std::erase(other, "--quiet");
  const auto started_again = ompq(other);
  EXPECT_EQ(started_again.status, 0) << started_again.error;
  EXPECT_THAT(started_again.error, HasSubstr("out.onnx.checkpoint.1"));
  EXPECT_TRUE(std::filesystem::exists(folder / "out.onnx.checkpoint.1"));
}

TEST(Finetune, StartsFromAFileOfItsOwn) {
  const TemporaryDirectory folder;
  ASSERT_EQ(ompq(finetune(folder / "first.onnx", {"--avg-bits", "3", "--epochs", "1"})).status, 0);
  const auto second = ompq({"finetune",
                            shipped_model(),
                            "--data",
                            OMPQ_FASHION_MNIST,
                            "--eval-data",
                            OMPQ_FASHION_MNIST,
                            "--limit",
                            "200",
                            "--train-samples",
                            "128",
                            "--epochs",
                            "1",
                            "--from",
                            folder / "first.onnx",
                            "--output",
                            folder / "second.onnx",
                            "--quiet",
                            "--json"});
  ASSERT_EQ(second.status, 0) << second.error;
  const auto json = nlohmann::json::parse(second.output);
  EXPECT_EQ(json["networks"].back()["bytes_on_disk"], fs::file_size(folder / "first.onnx"));
  EXPECT_EQ(json["bytes_on_disk"], fs::file_size(folder / "second.onnx"));
}

TEST(Finetune, SaysWhatIsMissing) {
  const TemporaryDirectory folder;
  const auto refusal = [&](const std::vector<std::string>& more) {
    const auto result = ompq(finetune(folder / "out.onnx", more));
    EXPECT_EQ(result.status, 2) << result.error;
    return result.error;
  };
  EXPECT_THAT(refusal({}), HasSubstr("the bits come from a budget or from a file"));
  EXPECT_THAT(refusal({"--float", "--avg-bits", "3"}), HasSubstr("exclude each other"));
  EXPECT_THAT(refusal({"--from", shipped_model()}), HasSubstr("exclude each other"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out.onnx"));
}

}  // namespace
}  // namespace ompq::testing
