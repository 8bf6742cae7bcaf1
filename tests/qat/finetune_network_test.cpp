#include "ompq/qat/finetune_network.h"

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/graph/passes.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/runtime/executor.h"
#include "qat/finetune_case.h"
#include "support/graph_builder.h"

namespace ompq::qat {
namespace {

TEST(ScoreOf, IsTop1OrElseTheAgreement) {
  report::Evaluation evaluation;
  EXPECT_EQ(score_of(evaluation), 0.0);
  evaluation.agreement = 0.75;
  EXPECT_EQ(score_of(evaluation), 0.75);
  evaluation.top1 = 0.5;
  EXPECT_EQ(score_of(evaluation), 0.5);
}

/// A context of the small model, and what is needed for one step.
class NetworkTest : public FinetuneTest {
 protected:
  [[nodiscard]] FinetuneContext context() {
    pipeline::EvaluateOptions evaluation = options_.start.evaluation;
    evaluation.keep_outputs = true;
    Tensor logits =
        pipeline::evaluate(
            model_.graph, *held_out_.dataset, held_out_.indices, evaluation, nullptr, {})
            .logits;
    return {.model = model_,
            .unfolded = unfolded_,
            .samples = samples_,
            .training = training_,
            .evaluation = held_out_,
            .options = options_,
            .progress = progress_,
            .indices = training_.indices,
            .float_logits = std::move(logits)};
  }
  [[nodiscard]] FinetuneStart start() {
    report::Quantization report;
    pipeline::Stopwatch watch(report.seconds);
    return start_finetuning({.model = model_,
                             .samples = samples_,
                             .tuning = samples_.indices,
                             .options = options_,
                             .report = report,
                             .watch = watch,
                             .progress = progress_});
  }
  /// One step on the first 16 training samples.
  void train_once(FinetuneNetwork& network) {
    data::Batch batch =
        training_.dataset->load({training_.indices.begin(), training_.indices.begin() + 16});
    (void)network.trainer().step(
        {std::move(batch.inputs), {batch.labels.begin(), batch.labels.end()}});
  }

  pipeline::Samples samples_ = labelled_samples(32, 1);
  pipeline::Samples training_ = labelled_samples(40, 2);
  pipeline::Samples held_out_ = labelled_samples(32, 3);
};

TEST_F(NetworkTest, BatchesOfAnEpochAreFull) {
  EXPECT_EQ(context().batches_per_epoch(), 2) << "40 samples, 16 at once";
  options_.batch_size = 64;
  EXPECT_EQ(context().batches_per_epoch(), 1) << "at least one";
}

TEST_F(NetworkTest, FormHasTheFilesNameAndFloatWeightsForAFloatNetwork) {
  const FinetuneStart begun = start();
  options_.start.search.form.format = onnx_io::WeightFormat::Qdq;
  EXPECT_EQ(form_of(context(), begun, file("a/net.onnx")).name, "net.onnx");
  EXPECT_EQ(form_of(context(), begun, file("net.onnx")).format, onnx_io::WeightFormat::Qdq);
  options_.float_network = true;
  EXPECT_EQ(form_of(context(), begun, file("net.onnx")).format, onnx_io::WeightFormat::Float);
}

TEST_F(NetworkTest, StartsWithTheFunctionOfTheFloatNetwork) {
  options_.float_network = true;
  const FinetuneContext given = context();
  const FinetuneStart begun = start();
  FinetuneNetwork network(given, begun);
  const BestEpoch now = network.written_now("check", file("net.onnx"));
  const report::Evaluation expected = validate(given, model_.graph, "check");
  ASSERT_TRUE(now.evaluation.top1 && now.evaluation.cross_entropy);
  EXPECT_EQ(*now.evaluation.top1, *expected.top1);
  EXPECT_NEAR(*now.evaluation.cross_entropy, *expected.cross_entropy, 1e-5);
  EXPECT_FALSE(now.evaluation.agreement) << "a float network is not compared with itself";
}

TEST_F(NetworkTest, WritesTheFileThatItEvaluates) {
  const FinetuneContext given = context();
  const FinetuneStart begun = start();
  FinetuneNetwork network(given, begun);
  const BestEpoch before = network.written_now("check", file("net.onnx"));
  train_once(network);
  const BestEpoch now = network.written_now("check", file("net.onnx"));
  EXPECT_NE(now.file.model, before.file.model);
  onnx_io::write_onnx_file(file("net.onnx"), now.file);
  const report::Evaluation read =
      validate(given, pipeline::load_graph(file("net.onnx"), model_.import), "check");
  EXPECT_EQ(*read.top1, *now.evaluation.top1);
  EXPECT_NEAR(*read.cross_entropy, *now.evaluation.cross_entropy, 1e-4);
  EXPECT_TRUE(now.evaluation.agreement) << "with the float network";
}

TEST_F(NetworkTest, ReestimatesNormsAsMeansOverTheTrainingSamples) {
  testing::GraphBuilder builder("normed");
  using graph::Dim;
  auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  const auto summed = builder.conv("conv", x, {.out = 4, .kernel = 3});
  x = builder.relu("relu", builder.norm("bn", summed));
  x = builder.flatten("flatten", builder.global_average_pool("pool", x));
  unfolded_ = builder.finish({builder.gemm("fc", x, 3)});
  model_.graph = unfolded_;
  (void)graph::fold_batch_norms(model_.graph);
  model_.discovery = graph::discover(model_.graph);
  options_.float_network = true;
  const FinetuneContext given = context();
  const FinetuneStart begun = start();
  FinetuneNetwork network(given, begun);
  samples_.used.source = "another source";  // else training samples are used
  network.reestimate_norms();

  runtime::Executor executor(unfolded_, {.threads = 1, .captured = {summed}});
  std::vector<double> means(4, 0.0);
  const data::Batch batch = samples_.dataset->load(samples_.indices);
  (void)executor.run(batch.inputs, [&](graph::ValueId, const MatrixView& rows) {
    const auto* values = static_cast<const float*>(rows.data);
    for (std::int64_t i = 0; i < rows.rows * rows.cols; ++i) {
      means[static_cast<std::size_t>(i % 4)] +=
          values[i] / static_cast<double>(rows.rows * rows.cols / 4);
    }
  });
  const graph::Graph now = network.trainer().unfolded_graph();
  const auto& norm = testing::node_named(now, "bn");
  const auto found = now.value(norm.inputs[3]).constant->to_floats();
  for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(found[c], means[c], 1e-4) << c;
}

}  // namespace
}  // namespace ompq::qat
