#include "ompq/qat/finetune_start.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/network.h"
#include "qat/finetune_case.h"
#include "support/graph_builder.h"

namespace ompq::qat {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CheckpointOf, IsTheGivenFileOrNextToTheOutput) {
  FinetuneOptions options;
  options.start.output = "a/net.onnx";
  EXPECT_EQ(checkpoint_of(options), "a/net.onnx.checkpoint");
  options.checkpoint = "b/kept";
  EXPECT_EQ(checkpoint_of(options), "b/kept");
}

TEST(TrainingIndices, LeaveOutTheValidationSamples) {
  pipeline::Samples training = labelled_samples(6, 1);
  pipeline::Samples evaluation = labelled_samples(6, 1);
  evaluation.indices = {1, 4};
  EXPECT_THAT(training_indices(training, evaluation), ElementsAre(0, 2, 3, 5));
  evaluation.used.split = "test";
  EXPECT_EQ(training_indices(training, evaluation).size(), 6U) << "another split";
}

TEST(TrainingIndices, NameTheOptionIfNoneIsLeft) {
  const pipeline::Samples samples = labelled_samples(6, 1);
  try {
    (void)training_indices(samples, labelled_samples(6, 1));
    FAIL() << "no sample is left";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--eval-data"));
  }
}

TEST(CheckNetwork, RequiresClassScores) {
  EXPECT_NO_THROW(check_network(pipeline::small_model().graph));
  testing::GraphBuilder builder("image");
  const auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(4), graph::Dim::fixed(4)});
  EXPECT_THROW(check_network(builder.finish({builder.conv("conv", x, {.out = 2, .kernel = 3})})),
               ConfigError);
}

TEST(CheckLabels, AreNeededUnlessTheLossIsDistillationAlone) {
  const pipeline::Samples with = labelled_samples(4, 1);
  const pipeline::Samples without = pipeline::small_samples(4);
  FinetuneOptions options;
  options.trainer.loss.distillation = 0.5;
  EXPECT_NO_THROW(check_labels(with, without, options));
  EXPECT_THROW(check_labels(without, with, options), ConfigError);
  options.trainer.loss.distillation = 1.0;
  EXPECT_NO_THROW(check_labels(without, without, options));
  options.float_network = true;
  EXPECT_THROW(check_labels(with, without, options), ConfigError);
  EXPECT_NO_THROW(check_labels(with, with, options));
}

class StartTest : public FinetuneTest {
 protected:
  FinetuneStart start() {
    pipeline::Samples samples = labelled_samples(32, 1);
    report::Quantization report;
    pipeline::Stopwatch watch(report.seconds);
    return start_finetuning({.model = model_,
                             .samples = samples,
                             .tuning = samples.indices,
                             .options = options_,
                             .report = report,
                             .watch = watch,
                             .progress = progress_});
  }
};

TEST_F(StartTest, HasNoCodesForAFloatNetwork) {
  options_.float_network = true;
  const FinetuneStart made = start();
  EXPECT_EQ(made.method, "float");
  EXPECT_THAT(made.weight_bits(), Each(allocation::kFloatBits));
  EXPECT_TRUE(made.codes.weights.empty());
}

TEST_F(StartTest, SearchesWidthsAndRoundsWithTheMethod) {
  const FinetuneStart made = start();
  EXPECT_EQ(made.method, "gptq");
  EXPECT_EQ(made.codes.weights.size(), 5U);
  EXPECT_LE(ptq::cost_of(model_, made.planned, made.plan()).average_bits, 3.0);
  for (const graph::Layer& layer : model_.discovery.layers) {
    EXPECT_EQ(made.codes.activations.at(layer.input).bits.value(), 4) << layer.name;
  }
}

TEST_F(StartTest, ReadsWidthsAndCodesFromAFile) {
  const std::vector<int> bits{8, 3, 2, 4, 5};
  const pipeline::QuantizedNetwork network = pipeline::quantize_network(model_, bits, {}, {});
  onnx_io::write_onnx_file(file("from.onnx"), pipeline::export_file(network, {}));
  options_.from = file("from.onnx");
  const FinetuneStart made = start();
  EXPECT_EQ(made.weight_bits(), bits);
  EXPECT_EQ(made.method, "from.onnx");
  for (const auto& [name, weight] : network.weights) {
    EXPECT_TRUE(quant::dequantize(made.codes.weights.at(name)).equals(quant::dequantize(weight)))
        << name;
  }
}

}  // namespace
}  // namespace ompq::qat
