#include "ompq/commands/training_options.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "commands/small_run.h"
#include "ompq/commands/data_options.h"
#include "support/graph_builder.h"

namespace ompq::commands {
namespace {

using testing::SmallRun;

TEST(TrainingSamples, AreAllOrTheGivenNumber) {
  const SmallRun run;
  const Context all = run.context("finetune");
  const pipeline::Model model = load_model(all);
  EXPECT_EQ(training_samples(all, model).indices.size(), 24U);
  const Context some = run.context("finetune", {{"train-samples", {"7"}}});
  EXPECT_EQ(training_samples(some, model).indices.size(), 7U);
}

TEST(ValidationSamples, AreATenthTheLimitOrEvalData) {
  const SmallRun run;
  const auto count = [&](std::map<std::string_view, std::vector<std::string>> more) {
    more["samples"] = {"8"};
    const Context context = run.context("finetune", std::move(more));
    const pipeline::Model model = load_model(context);
    return validation_samples(context, model, calibration_samples(context, model)).indices.size();
  };
  EXPECT_EQ(count({}), 2U);
  EXPECT_EQ(count({{"limit", {"5"}}}), 5U);
  EXPECT_EQ(count({{"eval-data", {run.path("eval.npz")}}}), 6U);
}

TEST(FinetuneOptions, AugmentImagesOrWhatIsAskedFor) {
  const SmallRun run;
  const pipeline::Model model = load_model(run.context("finetune"));
  const auto augmentation = [&](bool images, const char* given) {
    return finetune_options(given == nullptr
                                ? run.context("finetune").options
                                : run.context("finetune", {{"augment", {given}}}).options,
                            model,
                            images)
        .augmentation;
  };
  EXPECT_EQ(augmentation(false, nullptr), "none");
  EXPECT_NE(augmentation(true, nullptr), "none");
  EXPECT_EQ(augmentation(false, "standard"), "standard");
  EXPECT_EQ(augmentation(true, "none"), "none");
}

TEST(FinetuneOptions, TakeTheBatchThatTheNetworkFixes) {
  const SmallRun run;
  testing::GraphBuilder b("fixed");
  pipeline::Model fixed;
  fixed.graph =
      b.finish({b.gemm("fc", b.input("x", {graph::Dim::fixed(4), graph::Dim::fixed(5)}), 3)});
  const OptionValues values = run.context("finetune", {{"batch", {"10"}}}).options;
  EXPECT_EQ(finetune_options(values, fixed, false).batch_size % 4, 0);
  EXPECT_EQ(finetune_options(values, load_model(run.context("finetune")), false).batch_size, 10);
}

}  // namespace
}  // namespace ompq::commands
