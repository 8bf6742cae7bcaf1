#include <fstream>
#include <numeric>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "graph/deciding_parameters.h"
#include "ompq/graph/layers.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "support/paths.h"

// Files as exporters write them, batch norms long folded.
namespace ompq::graph {
namespace {

using Counts = std::vector<std::int64_t>;

Discovery discover_file(const std::filesystem::path& file) {
  Graph graph = onnx_io::import_onnx(file);
  ops::infer_and_fold(graph);
  return discover(graph);
}

nlohmann::json read_json(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return nlohmann::json::parse(stream);
}

TEST(SharedModels, MobilenetV2HasThePublishedLayers) {
  OMPQ_SHARED_OR_SKIP(shared);
  const Discovery found = discover_file(shared / "models" / "mobilenetv2-imagenet.onnx");
  const nlohmann::json published = read_json(shared / "golden" / "published.json");
  EXPECT_EQ(deciding_parameters(found),
            published.at("models").at("mobilenetv2/PTQ").at("params").get<Counts>());
  EXPECT_TRUE(found.ties.empty());
  EXPECT_TRUE(found.rejected.empty());
  // Stem, the two convolutions of the first block, 16 inverted residuals, head, classifier.
  EXPECT_EQ(found.blocks.size(), 3U + 16 + 2);
}

TEST(SharedModels, Resnet20HasTheGoldenLayers) {
  OMPQ_SHARED_OR_SKIP(shared);
  const Discovery found = discover_file(shared / "models" / "resnet20-cifar10.onnx");
  const nlohmann::json golden = read_json(shared / "golden" / "orm-resnet20-cifar10.json");
  EXPECT_EQ(deciding_parameters(found), golden.at("params").get<Counts>());
  EXPECT_TRUE(found.ties.empty());
  EXPECT_EQ(found.blocks.size(), 1U + 9 + 1);
}

TEST(SharedModels, SqueezenetHasItsKnownParametersAndBlocks) {
  OMPQ_SHARED_OR_SKIP(shared);
  const Discovery found = discover_file(shared / "models" / "squeezenet1_1-imagenet.onnx");
  EXPECT_EQ(found.layers.size(), 2U + 8 * 3);
  std::int64_t parameters = 0;
  for (const Layer& layer : found.layers) parameters += layer.weight_count + layer.bias_count;
  EXPECT_EQ(parameters, 1'235'496);  // as its authors count
  EXPECT_EQ(found.blocks.size(), found.layers.size());
}

}  // namespace
}  // namespace ompq::graph
