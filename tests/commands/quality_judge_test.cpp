#include "ompq/commands/quality_judge.h"

#include <filesystem>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_run.h"
#include "ompq/commands/commands.h"
#include "ompq/core/error.h"
#include "ompq/pipeline/load_model.h"

namespace ompq::commands {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(QualityJudge, JudgesNothingWithoutACommand) {
  const testing::SmallRun run;
  const Context context = run.context("quantize");
  EXPECT_FALSE(judge_of(context, pipeline::load_model(run.path("net.onnx")), "nearest").quality_of);
}

TEST(QualityJudge, MayBeWhatTheSmallestFileKeeps) {
  const testing::SmallRun run;
  Context context = run.context("quantize",
                                {{"method", {"nearest"}},
                                 {"samples", {"8"}},
                                 {"eval-command", {"a function of the caller"}},
                                 {"max-loss", {"1e6"}}});
  // Loses one for each byte less than the float network.
  std::vector<double> sizes;
  context.judge = [&](const std::filesystem::path& file) {
    return sizes.emplace_back(static_cast<double>(std::filesystem::file_size(file)));
  };
  const report::Quantization result = quantize(context);
  const report::LossTarget& target = result.search.loss_target.value();
  ASSERT_GE(sizes.size(), 3U) << "the float network, a trial, and what is written";
  EXPECT_EQ(result.float_evaluation.quality, sizes.front());
  ASSERT_FALSE(target.trials.empty());
  EXPECT_EQ(target.trials.front().loss, sizes[0] - sizes[1]);
  EXPECT_EQ(target.trials.front().bytes, sizes[1]) << "the size that was promised";
  EXPECT_FALSE(target.samples);
  EXPECT_FALSE(target.lower);
  EXPECT_THAT(target.measure, HasSubstr("--eval-command"));
  EXPECT_EQ(target.loss, sizes.front() - sizes.back());
  EXPECT_EQ(result.networks.front().evaluation.quality, sizes.back());
}

TEST(QualityJudge, MayLoseMoreThan100OnlyInItsOwnUnits) {
  const testing::SmallRun run;
  const Context context = run.context("quantize", {{"max-loss", {"101"}}});
  EXPECT_THAT([&] { static_cast<void>(quantize(context)); },
              ThrowsMessage<ConfigError>(HasSubstr("101 is more than 100 percent")));
}

TEST(QualityJudge, OfNoFileWithinTheLossIsAnImpossibleBudget) {
  const testing::SmallRun run;
  Context context = run.context(
      "quantize",
      {{"method", {"nearest"}},
       {"samples", {"8"}},
       {"max-loss", {"0.5"}},
       {"eval-command", {"f() { [ \"${1##*/}\" = net.onnx ] && echo 9 || echo 8; }; f"}}});
  EXPECT_THAT([&] { static_cast<void>(quantize(context)); },
              ThrowsMessage<InfeasibleBudget>(
                  HasSubstr("loses 1 (quality by --eval-command; the float network's is 9)")));
  EXPECT_FALSE(std::filesystem::exists(run.path("small.onnx")));
}

}  // namespace
}  // namespace ompq::commands
