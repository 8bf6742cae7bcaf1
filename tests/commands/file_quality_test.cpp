#include "ompq/commands/file_quality.h"

#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_run.h"
#include "ompq/commands/commands.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"

namespace ompq::commands {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

auto quality(const std::string& command, const std::string& file = "net.onnx") {
  return [=] { (void)run_eval_command(command, file); };
}

TEST(RunEvalCommand, ReadsTheLastLine) {
  EXPECT_EQ(run_eval_command("echo 0.75 #", "net.onnx"), 0.75);
  EXPECT_EQ(run_eval_command("printf 'mAP of\\n 41.5 \\n\\n' #", "net.onnx"), 41.5);
}

TEST(RunEvalCommand, GivesThePathAsOneWord) {
  const std::string file = "a 'b' $HOME;.onnx";
  EXPECT_EQ(run_eval_command("f() { [ \"$1\" = \"a 'b' \\$HOME;.onnx\" ] && echo 1; }; f", file),
            1);
}

TEST(RunEvalCommand, GivesANameWithADashAsAPath) {
  EXPECT_EQ(run_eval_command("f() { [ \"$1\" = ./-n.onnx ] && echo 1; }; f", "-n.onnx"), 1);
}

TEST(RunEvalCommand, SaysWhatIsWrong) {
  EXPECT_THAT(quality("exit 3 #"), ThrowsMessage<DataError>(HasSubstr("ended with status 3")));
  EXPECT_THAT(quality("kill -9 $$ #"),
              ThrowsMessage<DataError>(HasSubstr("was ended by signal 9")));
  EXPECT_THAT(quality("true"), ThrowsMessage<DataError>(HasSubstr("printed nothing")));
  EXPECT_THAT(quality("echo"), ThrowsMessage<DataError>(HasSubstr("printed 'net.onnx' last")));
  EXPECT_THAT(quality("echo 0.5x #"), ThrowsMessage<DataError>(HasSubstr("printed '0.5x' last")));
}

TEST(RunEvalCommand, IsInterruptedWithItsCommand) {
  // A command inherits that its parent ignores a signal, as a shell's background jobs do.
  const auto before = std::signal(SIGINT, SIG_DFL);
  EXPECT_THROW(quality("kill -INT $$ #")(), Interrupted);
  (void)std::signal(SIGINT, before);
}

TEST(QualityOf, IsOfTheJudgeOrTheOption) {
  const testing::SmallRun run;
  Context context = run.context("quantize");
  EXPECT_EQ(quality_of(context, "net.onnx"), std::nullopt);
  context = run.context("quantize", {{"eval-command", {"echo 2 #"}}});
  EXPECT_EQ(quality_of(context, "net.onnx"), 2);
  context.judge = [](const std::filesystem::path& file) { return file == "net.onnx" ? 3. : NAN; };
  EXPECT_EQ(quality_of(context, "net.onnx"), 3);
  EXPECT_THROW((void)quality_of(context, "other.onnx"), DataError);
}

TEST(Quality, OfEveryEvaluatedFileIsInTheResult) {
  const testing::SmallRun run;
  std::vector<std::string> files;
  Context context = run.context(
      "quantize", {{"method", {"nearest"}}, {"samples", {"8"}}, {"allocator", {"uniform"}}});
  context.judge = [&](const std::filesystem::path& file) {
    files.push_back(file.filename().string());
    return static_cast<double>(files.size());
  };
  const report::Quantization result = quantize(context);
  EXPECT_EQ(files, (std::vector<std::string>{"net.onnx", "small.onnx"}));
  EXPECT_EQ(result.float_evaluation.quality, 1);
  EXPECT_EQ(result.networks.front().evaluation.quality, 2);

  Context again = run.context("eval", {{"eval-command", {"echo 5 #"}}});
  EXPECT_EQ(evaluate(again).evaluation.quality, 5) << "needs neither labels nor a reference";
}

TEST(Quality, OfEveryPointOfASweepIsInTheResult) {
  const testing::SmallRun run;
  Context context = run.context("sweep", {{"points", {"3"}}, {"samples", {"8"}}});
  std::vector<std::int64_t> sizes;
  context.judge = [&](const std::filesystem::path& file) {
    sizes.push_back(static_cast<std::int64_t>(std::filesystem::file_size(file)));
    return static_cast<double>(sizes.size());
  };
  const report::Sweep result = sweep(context);
  ASSERT_EQ(sizes.size(), result.points.size() + 1) << "the float network is judged, too";
  EXPECT_EQ(result.float_quality, 1.0);
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    EXPECT_EQ(result.points[i].quality, static_cast<double>(i + 2));
    EXPECT_EQ(result.points[i].bytes, sizes[i + 1]);
  }
}

TEST(Quality, AnAllowedLossNeedsACommandThatMeasuresIt) {
  const testing::SmallRun run;
  const Context context = run.context("sweep", {{"max-loss", {"1"}}});
  EXPECT_THAT([&] { static_cast<void>(sweep(context)); },
              ThrowsMessage<ConfigError>(HasSubstr("give --eval-command")));
}

TEST(Quality, ACurveWithoutAGoodEnoughNetworkIsWrittenAllTheSame) {
  const testing::SmallRun run;
  const std::string result = run.path("sweep.json");
  const std::string bits = run.path("bits.json");
  Context context = run.context("sweep",
                                {{"points", {"3"}},
                                 {"samples", {"8"}},
                                 {"max-loss", {"0.5"}},
                                 {"result", {result}},
                                 {"output", {bits}}});
  context.judge = [count = 9](const std::filesystem::path&) mutable {
    return static_cast<double>(count--);
  };
  EXPECT_THAT([&] { static_cast<void>(sweep(context)); },
              ThrowsMessage<InfeasibleBudget>(HasSubstr("quality of 8.5 or more")));
  EXPECT_THAT(read_file(result), HasSubstr("\"quality\""));
  EXPECT_FALSE(std::filesystem::exists(bits));
}

}  // namespace
}  // namespace ompq::commands
