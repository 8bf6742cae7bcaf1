#include "ompq/ptq/quantize.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/pipeline/companion_files.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/ptq/file_formats.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::ptq {
namespace {

using ::testing::ElementsAre;

class QuantizeTest : public ::testing::Test {
 protected:
  QuantizeTest() {
    options_.search.allocator = "weight-mse";
    options_.search.beside = {};
    options_.search.request.budget.average_bits = 3;
    options_.search.executor.threads = 1;
    options_.evaluation.executor.threads = 1;
    options_.tuning_samples = 32;
    options_.method.threads = 1;
    options_.output = folder_ / "out.onnx";
  }

  report::Quantization run() {
    pipeline::Samples samples = pipeline::small_samples(32);
    pipeline::Samples evaluation = held_out();
    return quantize(model_, samples, evaluation, options_);
  }
  static pipeline::Samples held_out() {
    pipeline::Samples evaluation = pipeline::small_samples(48, 7);
    evaluation.used.split = "test";
    return evaluation;
  }

  testing::TemporaryDirectory folder_;
  pipeline::Model model_ = pipeline::small_model();
  QuantizeOptions options_;
};

TEST_F(QuantizeTest, ShowsTheFiguresOfTheFileReadAsAnyOther) {
  for (const std::string format : {"packed", "qdq", "float"}) {
    options_.format = format;
    options_.search.form.format = file_format(format).weights;
    const report::Quantization made = run();
    const pipeline::Model written = pipeline::load_model(options_.output);
    pipeline::Samples evaluation = held_out();
    const auto expected = pipeline::evaluate(written.graph,
                                             *evaluation.dataset,
                                             evaluation.indices,
                                             options_.evaluation,
                                             &model_.graph)
                              .evaluation;
    const report::Evaluation& shown = made.networks.front().evaluation;
    EXPECT_EQ(shown.agreement, expected.agreement) << format;
    // The float network ran in both, once by itself and once next to the quantized one.
    EXPECT_NEAR(*shown.snr_db, *expected.snr_db, 1e-6) << format;
    EXPECT_EQ(made.networks.front().bytes_on_disk,
              static_cast<std::int64_t>(std::filesystem::file_size(options_.output)));
  }
}

TEST_F(QuantizeTest, GptqComputesCloserToTheFloatNetworkThanRoundingToNearest) {
  const auto snr = [&](const std::string& method) {
    options_.method.method = method;
    return *run().networks.front().evaluation.snr_db;
  };
  // Inputs are correlated through shared channels: what rounding errs by in one column is made good
  // in others. A quarter of the noise's energy less is 1.2 dB; half of that must be left.
  EXPECT_GT(snr("gptq"), snr("nearest") + 0.6);
}

/// In every convolution: channel 0 is zero, channel 1 almost.
void kill_channels(pipeline::Model& model) {
  for (const graph::Layer& layer : model.discovery.layers) {
    Tensor& weight = *model.graph.mutable_value(layer.weight).constant;
    if (weight.rank() != 4) continue;
    const auto values = weight.mutable_data<float>();
    const std::size_t row = values.size() / static_cast<std::size_t>(weight.shape()[0]);
    for (std::size_t i = 0; i < row; ++i) {
      values[i] = 0.0F;
      values[row + i] *= 1e-9F;
    }
    for (std::size_t i = 2 * row; i < values.size(); ++i) values[i] *= 1e-3F;
  }
}

TEST_F(QuantizeTest, KeepsThePromisedSizeWithDeadChannels) {
  kill_channels(model_);
  options_.method.iterations = 2;
  options_.method.epochs = 1;
  for (const std::string method : {"nearest", "gptq", "adaround", "brecq", "distill"}) {
    for (const auto symmetry :
         {quant::Symmetry::Symmetric, quant::Symmetry::Asymmetric, quant::Symmetry::Normal}) {
      options_.method.method = method;
      options_.search.request.symmetry = options_.search.weights.symmetry = symmetry;
      const report::Quantization made = run();
      EXPECT_LE(made.networks.front().bytes_on_disk, made.networks.front().bytes_promised)
          << method << ", symmetry " << static_cast<int>(symmetry);
    }
  }
}

TEST_F(QuantizeTest, MoreBitsLeaveLessNoise) {
  const auto snr = [&](double bits) {
    options_.search.request.budget.average_bits = bits;
    return *run().networks.front().evaluation.snr_db;
  };
  // A bit is 6 dB where noise is that of uniform steps; two bits are more than one bit's worth.
  // With more of them, the noise of 8-bit activations is the larger one.
  EXPECT_GT(snr(4), snr(2) + 6.0);
}

TEST_F(QuantizeTest, PutsOthersNextToTheWrittenNetworkWithoutAFile) {
  options_.search.beside = {"uniform"};
  const report::Quantization made = run();
  ASSERT_EQ(made.networks.size(), 2U);
  EXPECT_EQ(made.networks[0].file, options_.output.string());
  EXPECT_EQ(made.networks[1].allocator, "uniform");
  EXPECT_EQ(made.networks[1].file, "");
  EXPECT_GT(made.networks[1].bytes_on_disk, 0);
}

TEST_F(QuantizeTest, ReportsLayersOrBlocksAsTheMethodRoundsThem) {
  const std::size_t layers = model_.discovery.layers.size();
  const std::size_t blocks = model_.discovery.blocks.size();
  ASSERT_LT(blocks, layers);
  options_.method.iterations = 2;
  for (const auto& [method, unit, count] : {std::tuple("gptq", "layer", layers),
                                            {"adaround", "layer", layers},
                                            {"brecq", "block", blocks}}) {
    options_.method.method = method;
    const report::Quantization made = run();
    EXPECT_EQ(made.reconstruction->unit, unit) << method;
    EXPECT_EQ(made.reconstruction->blocks.size(), count) << method;
  }
}

TEST_F(QuantizeTest, LeavesNothingButTheFile) {
  options_.method.method = "gptq";
  (void)run();
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    names.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(names, ElementsAre("out.onnx"));
}

TEST_F(QuantizeTest, RefusesAnImpossibleBudgetAndWritesNothing) {
  options_.search.request.budget = {.bytes = 50};
  options_.method.method = "gptq";
  EXPECT_THROW((void)run(), InfeasibleBudget);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(QuantizeTest, GoesOnFromTheJournalWithTheSameBytes) {
  options_.method.method = "gptq";
  (void)run();
  const std::string whole = read_file(options_.output);
  std::filesystem::remove(options_.output);
  pipeline::Samples samples = pipeline::small_samples(32);
  pipeline::Samples evaluation = held_out();
  const auto journal = pipeline::journal_file(options_.output);
  bool asked = false;
  const auto stop_within_rounding = [&](const ProgressEvent&) {
    if (asked || !std::filesystem::exists(journal)) return;
    // Its first line, the widths, and two layers.
    const std::string lines = read_file(journal);
    if (std::ranges::count(lines, '\n') < 4) return;
    asked = true;
    request_interrupt();
  };
  EXPECT_THROW((void)quantize(model_, samples, evaluation, options_, stop_within_rounding),
               Interrupted);
  EXPECT_TRUE(asked);
  EXPECT_TRUE(std::filesystem::exists(journal));
  EXPECT_FALSE(std::filesystem::exists(options_.output));
  EXPECT_GE(run().resumed, 3);
  EXPECT_EQ(read_file(options_.output), whole);
}

}  // namespace
}  // namespace ompq::ptq
