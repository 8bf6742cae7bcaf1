#include <algorithm>
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
#include "ompq/onnx_io/importer.h"
#include "ompq/pipeline/load_model.h"

// `ompq finetune --float` on networks of random weights, as examples/train_fashion_mnist does it.

namespace ompq::testing {
namespace {

using ::testing::HasSubstr;

/// A network that knows nothing yet, its preprocessing next to it.
fs::path untrained_network(const TemporaryDirectory& folder, const std::string& name = "resnet20") {
  fs::path file = folder / "untrained.onnx";
  const auto made =
      run_program({OMPQ_NETWORK_PROGRAM, "--network", name, "--seed", "1", "--output", file});
  EXPECT_EQ(made.status, 0) << made.error;
  return file;
}

/// The recipe of train.sh, in small.
std::vector<std::string> training(const fs::path& network,
                                  const fs::path& out,
                                  const std::vector<std::string>& more) {
  std::vector<std::string> arguments = on_fashion_mnist("finetune",
                                                        network,
                                                        {"--float",
                                                         "--limit",
                                                         "200",
                                                         "--augment",
                                                         "light",
                                                         "--lr",
                                                         "0.1",
                                                         "--nesterov",
                                                         "--clip-norm",
                                                         "0",
                                                         "--weight-decay",
                                                         "5e-4",
                                                         "--label-smoothing",
                                                         "0.1",
                                                         "--seed",
                                                         "1",
                                                         "--output",
                                                         out});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// One training of some seconds, whose file several tests look at.
class FloatTraining : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryDirectory;
    before_ = untrained_network(*folder_);
    after_ = *folder_ / "trained.onnx";
    result_ = ompq(training(
        before_,
        after_,
        {"--train-samples", "4000", "--batch", "64", "--epochs", "2", "--average", "0.9"}));
  }
  static void TearDownTestSuite() { delete folder_; }
  void SetUp() override { ASSERT_EQ(result_.status, 0) << result_.error; }

  static inline TemporaryDirectory* folder_ = nullptr;
  static inline fs::path before_;
  static inline fs::path after_;
  static inline ProgramResult result_;
};

TEST_F(FloatTraining, TellsClothesApartThatItHasNotSeen) {
  const auto judged =
      ompq(on_fashion_mnist("eval", after_, {"--split", "test", "--limit", "2000", "--json"}));
  ASSERT_EQ(judged.status, 0) << judged.error;
  const double top1 = nlohmann::json::parse(judged.output)["evaluation"]["top1"];
  RecordProperty("top1", std::to_string(top1));
  // Chance is 0.1 with a deviation of 0.007 over 2,000 images.
  EXPECT_GT(top1, 0.6);
}

TEST_F(FloatTraining, KeepsOperatorsNamesAndTheOpenBatch) {
  const graph::Graph before = onnx_io::import_onnx(before_);
  const graph::Graph after = onnx_io::import_onnx(after_);
  ASSERT_EQ(after.nodes().size(), before.nodes().size());
  for (std::size_t n = 0; n < before.nodes().size(); ++n) {
    EXPECT_EQ(after.nodes()[n].name, before.nodes()[n].name);
    EXPECT_EQ(after.nodes()[n].op_type, before.nodes()[n].op_type);
  }
  for (const auto ends : {&graph::Graph::inputs, &graph::Graph::outputs}) {
    ASSERT_EQ((after.*ends)().size(), 1U);
    const graph::Value& end = after.value((after.*ends)().front());
    EXPECT_EQ(end.name, before.value((before.*ends)().front()).name);
    EXPECT_EQ(end.type, DataType::Float32);
    EXPECT_FALSE(end.shape->front().is_fixed());
  }
}

TEST_F(FloatTraining, WritesTrainedStatisticsThatFoldAway) {
  const graph::Graph after = onnx_io::import_onnx(after_);
  int norms = 0;
  for (const graph::Node& node : after.nodes()) {
    if (!node.is("BatchNormalization")) continue;
    ++norms;
    // A fresh network's are 0 and 1.
    const auto mean = after.value(node.inputs[3]).constant->data<float>();
    const auto variance = after.value(node.inputs[4]).constant->data<float>();
    EXPECT_TRUE(std::ranges::none_of(mean, [](float m) { return m == 0.0F; })) << node.name;
    EXPECT_TRUE(std::ranges::none_of(variance, [](float v) { return v == 1.0F; })) << node.name;
  }
  EXPECT_EQ(norms, 21);
  const pipeline::Model folded = pipeline::load_model(after_);
  for (const graph::Node& node : folded.graph.nodes()) {
    EXPECT_FALSE(node.is("BatchNormalization")) << node.name << " was not folded";
  }
}

TEST_F(FloatTraining, GivesOnnxRuntimeTheNumbersThatItWasMeasuredBy) {
  OMPQ_JUDGE_OR_SKIP();
  const Agreement agreement = ours_against_onnxruntime(after_);
  RecordProperty("greatest_difference", std::to_string(agreement.greatest_difference));
  EXPECT_LE(agreement.greatest_difference, 1e-3);
}

TEST(FloatTrainingFaults, AKillWithinAnEpochAndAFullDiskCostNothing) {
  const TemporaryDirectory folder;
  const fs::path network = untrained_network(folder, "mobilenetv2");
  const auto arguments = [&](const std::string& name) {
    return training(network,
                    folder / (name + ".onnx"),
                    {"--train-samples",
                     "768",
                     "--batch",
                     "32",
                     "--epochs",
                     "2",
                     "--average",
                     "0.9",
                     "--checkpoint-every",
                     "1ms"});
  };
  ASSERT_EQ(ompq(arguments("whole")).status, 0);

  std::vector<std::string> command = arguments("killed");
  command.insert(command.begin(), OMPQ_PROGRAM);
  RunningProgram program(command, folder / "error");
  const fs::path checkpoint = folder / "killed.onnx.checkpoint";
  ASSERT_TRUE(program.wait_for_file(checkpoint)) << program.error();
  program.kill_at_once();
  ASSERT_TRUE(WIFSIGNALED(program.wait())) << "it ended before it could be killed";
  EXPECT_FALSE(fs::exists(folder / "killed.onnx")) << "killed after its first epoch";
  const std::string state = read_file(checkpoint);

  const auto full = ompq(arguments("killed"), {.file_limit = 64 * 1024});
  EXPECT_EQ(full.status, 3) << full.error;
  EXPECT_THAT(full.error, HasSubstr(checkpoint.string()));
  EXPECT_EQ(read_file(checkpoint), state);

  const auto rest = ompq(arguments("killed"));
  ASSERT_EQ(rest.status, 0) << rest.error;
  EXPECT_EQ(read_file(folder / "killed.onnx"), read_file(folder / "whole.onnx"));
  EXPECT_FALSE(fs::exists(checkpoint));
}

}  // namespace
}  // namespace ompq::testing
