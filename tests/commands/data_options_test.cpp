#include "ompq/commands/data_options.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_run.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/preprocess_file.h"
#include "support/graph_builder.h"

namespace ompq::commands {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SmallRun;
using ::testing::ThrowsMessage;
using testing::values_of;

void write_preprocess(const std::string& model, double scale) {
  data::Preprocess preprocess;
  preprocess.scale = scale;
  write_file_atomically(data::preprocess_file(model), data::to_json(preprocess));
}

TEST(LoadModel, TakesTheFileOfItsOperand) {
  const SmallRun run;
  const pipeline::Model model = load_model(run.context("quantize"));
  EXPECT_EQ(model.file, run.path("net.onnx"));
  EXPECT_EQ(model.discovery.layers.size(), 5U);
  EXPECT_THAT(
      [&] {
        (void)load_model(run.context("quantize", {{"MODEL", {run.path("no.onnx")}}}));
      },
      ThrowsMessage<FileError>(HasSubstr("no.onnx")));
}

TEST(LoadModel, TakesTheShapeThatIsGiven) {
  const SmallRun run;
  graph::Graph open = pipeline::small_model().graph;
  const std::vector<graph::DeclaredDim> extents{
      {.name = "n"}, {.size = 3}, {.name = "height"}, {.name = "width"}};
  open.interface.inputs = {{"x", DataType::Float32, extents}};
  onnx_io::export_onnx(open, run.path("open.onnx"));
  const pipeline::Model model = load_model(run.context(
      "quantize", {{"MODEL", {run.path("open.onnx")}}, {"input-shape", {"x=1,3,16,12"}}}));
  const graph::Shape& shape = *model.graph.value(model.graph.inputs()[0]).shape;
  EXPECT_EQ(shape[2].size, 16);
  EXPECT_EQ(shape[3].size, 12);
}

TEST(LoadUnfolded, KeepsTheBatchNorms) {
  const SmallRun run;
  testing::GraphBuilder b("normed");
  const auto x = b.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  const auto y = b.norm("norm", b.conv("conv", x, {.out = 4, .kernel = 3}));
  onnx_io::export_onnx(
      b.finish({b.gemm("fc", b.flatten("flat", b.global_average_pool("pool", y)), 3)}),
      run.path("normed.onnx"));
  const Context context = run.context("finetune", {{"MODEL", {run.path("normed.onnx")}}});
  const auto norms = [](const graph::Graph& graph) {
    return std::ranges::count(graph.nodes(), "BatchNormalization", &graph::Node::op_type);
  };
  EXPECT_EQ(norms(load_model(context).graph), 0);
  EXPECT_EQ(norms(load_trainable_model(context).unfolded), 1);
}

TEST(PreprocessingOwner, IsTheNetworkThatHasAFileNextToIt) {
  const SmallRun run;
  const std::string a = run.path("a.onnx");
  const std::string b = run.path("b.onnx");
  const OptionValues values =
      values_of("diff", {.texts = {{"A", {a}}, {"B", {b}}, {"data", {"x"}}}});
  EXPECT_EQ(preprocessing_owner(values, a), a) << "none has one";
  write_preprocess(b, 0.5);
  EXPECT_EQ(preprocessing_owner(values, a), b);
  write_preprocess(a, 0.25);
  EXPECT_EQ(preprocessing_owner(values, a), a);
  EXPECT_EQ(preprocessing_owner(values, b), b);
}

TEST(SampleOptions, OverrideTheFileNextToTheNetworkByOptions) {
  const SmallRun run;
  const auto options = [&](std::map<std::string_view, std::vector<std::string>> more) {
    return sample_options(
        run.context("quantize", std::move(more)), run.path("net.onnx"), "data", "train");
  };
  EXPECT_FALSE(options({}).dataset.preprocess_given);
  write_preprocess(run.path("net.onnx"), 0.5);
  const pipeline::SampleOptions file = options({});
  EXPECT_EQ(file.source, run.path("data.npz"));
  EXPECT_EQ(file.dataset.split, "train");
  EXPECT_EQ(file.dataset.preprocess.scale, 0.5);
  EXPECT_TRUE(file.dataset.preprocess_given);
  EXPECT_FALSE(file.dataset.skip_broken);
  const pipeline::SampleOptions both = options({{"mean", {"0.25"}}});
  EXPECT_EQ(both.dataset.preprocess.scale, 0.5);
  EXPECT_THAT(both.dataset.preprocess.mean, ElementsAre(0.25));
}

TEST(SampleOptions, TakeArraysInsteadOfAFile) {
  const SmallRun run;
  Context context = run.context("quantize", {{"eval-data", {run.path("eval.npz")}}});
  context.arrays["data"] = {{"x", Tensor(DataType::Float32, {2, 3, 8, 8})}};
  EXPECT_EQ(sample_options(context, run.path("net.onnx"), "data", "").arrays.size(), 1U);
  EXPECT_TRUE(sample_options(context, run.path("net.onnx"), "eval-data", "").arrays.empty());
}

TEST(KeepPreprocess, WritesItNextToTheOutputIfThereIsAny) {
  const SmallRun run;
  const std::string output = run.path("small.onnx");
  keep_preprocess(run.context("quantize").options, run.path("net.onnx"), output);
  EXPECT_FALSE(data::find_preprocess(output));
  keep_preprocess(
      run.context("quantize", {{"scale", {"0.125"}}}).options, run.path("net.onnx"), output);
  ASSERT_TRUE(data::find_preprocess(output));
  EXPECT_EQ(data::read_preprocess(data::preprocess_file(output)).scale, 0.125);
}

TEST(KeepPreprocess, LeavesTheFileThatItReads) {
  const SmallRun run;
  const std::string model = run.path("net.onnx");
  write_preprocess(model, 0.5);
  keep_preprocess(run.context("quantize", {{"scale", {"0.125"}}}).options, model, model);
  EXPECT_EQ(data::read_preprocess(data::preprocess_file(model)).scale, 0.5);
}

TEST(Samples, OfCalibrationAndEvaluationDiffer) {
  const SmallRun run;
  const Context context = run.context("quantize", {{"samples", {"10"}}});
  const pipeline::Model model = load_model(context);
  const pipeline::Samples calibration = calibration_samples(context, model);
  EXPECT_EQ(calibration.indices.size(), 10U);
  const pipeline::Samples rest = evaluation_samples(context, model, calibration);
  EXPECT_EQ(rest.indices.size(), 14U);
  EXPECT_EQ(rest.used.count, 14);
  std::set<std::int64_t> all(calibration.indices.begin(), calibration.indices.end());
  all.insert(rest.indices.begin(), rest.indices.end());
  EXPECT_EQ(all.size(), 24U);
  EXPECT_EQ(evaluation_samples(context, model, calibration, 5).indices.size(), 5U);
}

TEST(Samples, OfEvaluationAreThoseOfEvalDataIfItIsGiven) {
  const SmallRun run;
  const Context context = run.context("quantize", {{"eval-data", {run.path("eval.npz")}}});
  const pipeline::Model model = load_model(context);
  const pipeline::Samples calibration = calibration_samples(context, model);
  EXPECT_EQ(calibration.indices.size(), 24U) << "none has to be held out";
  const pipeline::Samples evaluation = evaluation_samples(context, model, calibration);
  EXPECT_EQ(evaluation.indices.size(), 6U);
  EXPECT_THAT(evaluation.used.source, HasSubstr("eval.npz"));
  const Context limited =
      run.context("quantize", {{"eval-data", {run.path("eval.npz")}}, {"limit", {"4"}}});
  EXPECT_EQ(evaluation_samples(limited, model, calibration).indices.size(), 4U);
}

TEST(Samples, AreDrawnByTheSeed) {
  const SmallRun run;
  const auto drawn = [&](const char* seed) {
    const Context context = run.context("quantize", {{"samples", {"6"}}, {"seed", {seed}}});
    return calibration_samples(context, load_model(context)).indices;
  };
  EXPECT_EQ(drawn("3"), drawn("3"));
  EXPECT_NE(drawn("3"), drawn("4"));
}

TEST(SamplesForLoss, AreThoseThatNoOtherStepUses) {
  const SmallRun run;
  const auto context =
      run.context("quantize", {{"samples", {"2"}}, {"eval-data", {run.path("eval.npz")}}});
  const pipeline::Model model = load_model(context);
  const pipeline::Samples calibration = calibration_samples(context, model);
  const pipeline::Samples evaluation = evaluation_samples(context, model, calibration);
  const std::vector<std::int64_t> others = samples_for_auto(calibration, &evaluation);
  const std::vector<std::int64_t> loss = samples_for_loss(calibration, &evaluation, others);
  const auto unused = pipeline::unused_samples(calibration, &evaluation);
  EXPECT_FALSE(loss.empty());
  EXPECT_EQ(loss.size() + others.size(), unused.size());
  for (const std::int64_t index : loss) {
    EXPECT_TRUE(std::ranges::binary_search(unused, index));
    EXPECT_EQ(std::ranges::count(others, index), 0);
  }
  EXPECT_EQ(loss, samples_for_loss(calibration, &evaluation, others)) << "drawn with the seed";
}

}  // namespace
}  // namespace ompq::commands
