#include <algorithm>
#include <filesystem>
#include <numeric>

#include <gtest/gtest.h>

#include "ompq/data/dataset.h"
#include "ompq/data/preprocess_file.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "ompq/runtime/executor.h"
#include "support/paths.h"

namespace ompq {
namespace {

namespace fs = std::filesystem;

struct ShippedModel {
  const char* name;
  std::int64_t norms;  ///< batch normalizations, counted in the published figures
  double min_percent;  ///< top-1 on the 10,000 test images
};

void PrintTo(const ShippedModel& model, std::ostream* out) { *out << model.name; }

fs::path file_of(const ShippedModel& model) {
  return testing::source_dir() / "models" / (std::string(model.name) + "-fashion-mnist.onnx");
}

class Shipped : public ::testing::TestWithParam<ShippedModel> {};
// ResNet-20: 1 + 3 x 3 x 2 convolutions and 2 projections. MobileNetV2: stem, head, and 3 for each
// of 8 inverted residuals, less the expansion that the first does without.
INSTANTIATE_TEST_SUITE_P(Models,
                         Shipped,
                         ::testing::Values(ShippedModel{"resnet20", 21, 93.0},
                                           ShippedModel{"mobilenetv2", 25, 92.5}),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

TEST_P(Shipped, KeepsItsBatchNormsAndAnOpenBatch) {
  const graph::Graph graph = onnx_io::import_onnx(file_of(GetParam()));
  EXPECT_EQ(graph.opset, 13);
  const auto norms = std::ranges::count_if(
      graph.nodes(), [](const graph::Node& node) { return node.is("BatchNormalization"); });
  EXPECT_EQ(norms, GetParam().norms);
  ASSERT_EQ(graph.inputs().size(), 1U);
  const graph::Value& input = graph.value(graph.inputs().front());
  EXPECT_EQ(input.name, "input");
  ASSERT_TRUE(input.shape.has_value());
  EXPECT_EQ(graph::to_string(*input.shape), "Nx1x28x28");
  ASSERT_EQ(graph.outputs().size(), 1U);
  EXPECT_EQ(graph.value(graph.outputs().front()).name, "logits");
}

TEST_P(Shipped, HasItsPreprocessingBesideIt) {
  const auto sidecar = data::find_preprocess(file_of(GetParam()));
  ASSERT_TRUE(sidecar.has_value());
  const data::Preprocess preprocess = data::read_preprocess(*sidecar);
  EXPECT_EQ(preprocess.channels, "gray");
  EXPECT_DOUBLE_EQ(preprocess.scale, 1.0 / 255.0);
  EXPECT_EQ(preprocess.mean, std::vector<double>{0.286});
  EXPECT_EQ(preprocess.std, std::vector<double>{0.353});
}

TEST_P(Shipped, IsAsAccurateAsPromised) {
  const fs::path images = "/usr/share/datasets/fashion-mnist";
  if (!fs::is_directory(images)) GTEST_SKIP() << "needs the package dataset-fashion-mnist";
  graph::Graph graph = onnx_io::import_onnx(file_of(GetParam()));
  ops::infer_and_fold(graph);
  runtime::Executor executor(graph);
  const auto sidecar = data::find_preprocess(file_of(GetParam()));
  ASSERT_TRUE(sidecar.has_value());
  const auto dataset = data::open_dataset(images,
                                          {{.name = "input", .extents = {1, 28, 28}}},
                                          {.preprocess = data::read_preprocess(*sidecar)});
  ASSERT_EQ(dataset->size(), 10000);
  constexpr std::int64_t kBatch = 250;
  std::int64_t correct = 0;
  for (std::int64_t first = 0; first < dataset->size(); first += kBatch) {
    std::vector<std::int64_t> indices(kBatch);
    std::iota(indices.begin(), indices.end(), first);
    const data::Batch batch = dataset->load(indices);
    const Tensor logits = executor.run(batch.inputs).front();
    const std::span<const float> rows = logits.data<float>();
    for (std::int64_t i = 0; i < batch.size; ++i) {
      const auto row = rows.subspan(i * 10, 10);
      correct += std::ranges::max_element(row) - row.begin() == batch.labels[i];
    }
  }
  EXPECT_GE(static_cast<double>(correct) / 100.0, GetParam().min_percent);
}

TEST(ShippedModels, TakeLessThanThreeMegabytesTogether) {
  std::uintmax_t bytes = 0;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(testing::source_dir() / "models")) {
    if (entry.path().extension() != ".onnx") continue;
    bytes += entry.file_size();
    ++count;
  }
  EXPECT_EQ(count, 2);
  EXPECT_LT(bytes, 3'000'000U);
}

}  // namespace
}  // namespace ompq
