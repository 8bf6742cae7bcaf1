#include <map>

#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "runtime/run_helpers.h"
#include "support/judge.h"
#include "support/paths.h"
#include "support/zoo.h"

namespace ompq {
namespace {

using graph::Graph;

// Both sides sum the same products in float32 in their own order.
constexpr double kBound = 1e-4;

/// The graph as the pipeline runs it.
Graph prepared(Graph graph) {
  ops::infer_and_fold(graph);
  graph::remove_no_ops(graph);
  graph::fold_batch_norms(graph);
  return graph;
}

std::map<std::string, Tensor> by_name(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::map<std::string, Tensor> named;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    named.emplace(graph.value(graph.inputs()[i]).name, inputs[i]);
  }
  return named;
}

void expect_near(const std::vector<Tensor>& got, const std::vector<Tensor>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(testing::near(got[i], expected[i], kBound)) << "output " << i;
  }
}

class SharedModel : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Models,
                         SharedModel,
                         ::testing::Values("resnet20-cifar10",
                                           "mobilenetv2-imagenet",
                                           "squeezenet1_1-imagenet"),
                         [](const auto& instance) {
                           const std::string name = instance.param;
                           return name.substr(0, name.find_first_of("-_"));
                         });

TEST_P(SharedModel, SaysWhatOnnxRuntimeSays) {
  OMPQ_SHARED_OR_SKIP(shared);
  OMPQ_JUDGE_OR_SKIP();
  const auto file = shared / "models" / (std::string(GetParam()) + ".onnx");
  const Graph graph = prepared(onnx_io::import_onnx(file));
  const auto inputs = testing::normal_inputs(graph, 4);
  expect_near(testing::run_executor(graph, inputs),
              testing::run_in_onnxruntime(file, by_name(graph, inputs)));
}

struct SizedNetwork {
  const char* name;
  Graph (*make)(const testing::zoo::Options&);
  testing::zoo::Options options = testing::zoo::kCifar;
};

Graph resnet20_sampled(const testing::zoo::Options& options) {
  return testing::zoo::resnet20(testing::zoo::Shortcut::Sampled, options);
}

class ZooNetwork : public ::testing::TestWithParam<SizedNetwork> {};
INSTANTIATE_TEST_SUITE_P(
    Networks,
    ZooNetwork,
    ::testing::Values(SizedNetwork{"resnet18", testing::zoo::resnet18, {.image_size = 224}},
                      SizedNetwork{"resnet50", testing::zoo::resnet50},
                      SizedNetwork{"mobilenet_v2", testing::zoo::mobilenet_v2, {.image_size = 224}},
                      SizedNetwork{"resnet20", resnet20_sampled},
                      SizedNetwork{"vision_transformer", testing::zoo::vision_transformer},
                      SizedNetwork{"unet", testing::zoo::unet},
                      SizedNetwork{"squeeze_net", testing::zoo::squeeze_net},
                      SizedNetwork{"efficient_net", testing::zoo::efficient_net},
                      SizedNetwork{"assorted", testing::zoo::assorted}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(ZooNetwork, SaysWhatOnnxRuntimeSays) {
  OMPQ_JUDGE_OR_SKIP();
  const Graph original = GetParam().make(GetParam().options);
  const std::string bytes = onnx_io::export_onnx_bytes(original);
  const Graph graph = prepared(original);
  const auto inputs = testing::normal_inputs(graph, 2);
  expect_near(testing::run_executor(graph, inputs),
              testing::run_bytes_in_onnxruntime(bytes, by_name(graph, inputs)));
}

}  // namespace
}  // namespace ompq
