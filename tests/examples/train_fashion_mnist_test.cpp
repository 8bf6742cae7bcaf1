#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fashion_mnist.h"
#include "initial_weights.h"
#include "network_plan.h"
#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "ompq/runtime/executor.h"
#include "onnx_graph.h"
#include "support/graph_difference.h"

namespace ompq::examples {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::int64_t count(const NetworkPlan& plan, StepKind kind) {
  return std::ranges::count(plan, kind, &PlanStep::kind);
}

std::int64_t count(const graph::Graph& graph, std::string_view op_type) {
  return std::ranges::count(graph.nodes(), op_type, &graph::Node::op_type);
}

/// Learned numbers: running statistics are none.
std::int64_t parameter_count(const NetworkPlan& plan) {
  std::int64_t parameters = 0;
  for (const auto& [name, tensor] : initial_weights(plan, 1)) {
    if (name.find(".running_") == std::string::npos) parameters += tensor.elements();
  }
  return parameters;
}

/// Root of the mean square.
double magnitude(std::span<const float> values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

Tensor noise(std::int64_t images) {
  Tensor tensor(DataType::Float32, {images, 1, kImageSide, kImageSide});
  Random random(5);
  for (float& pixel : tensor.mutable_data<float>()) pixel = static_cast<float>(random.normal());
  return tensor;
}

class EveryNetwork : public ::testing::TestWithParam<const char*> {
 protected:
  NetworkPlan plan_ = plan_by_name(GetParam());
  graph::Graph graph_ = to_graph(plan_, initial_weights(plan_, 1));
};
INSTANTIATE_TEST_SUITE_P(TrainFashionMnist,
                         EveryNetwork,
                         ::testing::Values("resnet20", "mobilenetv2"),
                         [](const auto& chosen) { return std::string(chosen.param); });

TEST_P(EveryNetwork, TakesAnyNumberOfImagesAndKeepsItsBatchNormalizations) {
  EXPECT_EQ(count(graph_, "BatchNormalization"), count(plan_, StepKind::BatchNorm));
  EXPECT_EQ(count(graph_, "Conv"), count(plan_, StepKind::Conv));
  ops::infer_and_fold(graph_);
  const graph::Value& input = graph_.value(graph_.inputs().front());
  const graph::Value& output = graph_.value(graph_.outputs().front());
  EXPECT_EQ(input.name, "input");
  EXPECT_EQ(output.name, "logits");
  EXPECT_FALSE(input.shape->front().is_fixed());
  for (const std::int64_t images : {1, 3}) {
    EXPECT_EQ(graph::extents_at(*output.shape, images),
              (std::vector<std::int64_t>{images, kClasses}));
    const Tensor pixels = noise(images);
    EXPECT_EQ(runtime::Executor(graph_).run({&pixels, 1}).front().shape(),
              (std::vector<std::int64_t>{images, kClasses}));
  }
}

TEST_P(EveryNetwork, IsReadBackFromItsFileUnchanged) {
  EXPECT_EQ(
      testing::difference(onnx_io::import_onnx_bytes(onnx_io::export_onnx_bytes(graph_)), graph_),
      "");
}

TEST_P(EveryNetwork, ConvolutionsStartAtHesMagnitude) {
  const TensorMap tensors = initial_weights(plan_, 1);
  for (const PlanStep& step : plan_) {
    if (step.kind != StepKind::Conv) continue;
    const auto weights = tensors.at(step.name + ".weight").data<float>();
    const std::int64_t taps = step.kernel * step.kernel;
    const bool single_channel = step.in_channels == step.groups;
    const double wanted =
        std::sqrt(2.0 / static_cast<double>(single_channel ? taps : step.out_channels * taps));
    // The deviation of n normal numbers is off by a share of 1 / sqrt(2 n); six times that is
    // never.
    const double off = 6.0 / std::sqrt(2.0 * static_cast<double>(weights.size()));
    EXPECT_NEAR(magnitude(weights) / wanted, 1.0, off) << step.name;
  }
}

TEST_P(EveryNetwork, IsTheSeedsAlone) {
  const auto bytes = [&](std::uint64_t seed) {
    return onnx_io::export_onnx_bytes(to_graph(plan_, initial_weights(plan_, seed)));
  };
  EXPECT_EQ(bytes(7), bytes(7));
  EXPECT_NE(bytes(7), bytes(8));
}

TEST(ResNet20Plan, HasThePublishedSizeForOneChannel) {
  // He et al. 2016 count 0.27 M for three channels and parameter-free shortcuts. By hand: 18
  // convolutions of 3x3, two projections, 2 values a channel of batch norm, the classifier.
  const std::int64_t convs = 9 * (16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64);
  const std::int64_t projections = 16 * 32 + 32 * 64;
  const std::int64_t norms = 2 * (16 + 6 * 16 + 6 * 32 + 6 * 64 + 32 + 64);
  const std::int64_t classifier = 64 * 10 + 10;
  EXPECT_EQ(parameter_count(resnet20_plan()), convs + projections + norms + classifier);
}

TEST(MobileNetV2Plan, HasTheSizeThatItsDocumentationSays) {
  EXPECT_EQ(parameter_count(mobilenetv2_plan()), 170'826);
}

TEST(PlanByName, NamesTheChoicesForAnUnknownNetwork) {
  EXPECT_THAT([] { (void)plan_by_name("lenet"); },
              ThrowsMessage<ConfigError>(HasSubstr("resnet20 or mobilenetv2")));
}

}  // namespace
}  // namespace ompq::examples
