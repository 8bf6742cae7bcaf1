/// Shape inference over whole networks.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "support/paths.h"
#include "support/zoo.h"

namespace ompq::ops {
namespace {

namespace zoo = testing::zoo;
using graph::Graph;
using graph::ValueId;

struct Network {
  std::string name;
  Graph graph;
};

std::vector<Network> networks() {
  const zoo::Options small{.image_size = 64, .classes = 10, .width = 0.25};
  return {{"resnet18", zoo::resnet18(small)},
          {"resnet50", zoo::resnet50(small)},
          {"mobilenet_v2", zoo::mobilenet_v2(small)},
          {"resnet20 sampled", zoo::resnet20(zoo::Shortcut::Sampled)},
          {"resnet20 projected", zoo::resnet20(zoo::Shortcut::Projection)},
          {"vision_transformer", zoo::vision_transformer()},
          {"unet", zoo::unet()},
          {"squeeze_net", zoo::squeeze_net()},
          {"efficient_net", zoo::efficient_net()},
          {"assorted", zoo::assorted()}};
}

TEST(InferAndFold, FindsTheShapesThatTheZooWasBuiltWith) {
  for (const auto& [name, built] : networks()) {
    Graph graph = built;
    for (std::size_t i = 0; i < graph.values().size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (graph.producer(id) == graph::kNoNode) continue;
      graph.mutable_value(id).shape.reset();
      graph.mutable_value(id).type = DataType::Bool;
    }
    infer_and_fold(graph);
    for (const graph::Node& node : graph.nodes()) {
      for (const ValueId output : node.outputs) {
        if (output == graph::kNoValue) continue;
        const graph::Value& before = built.value(output);
        const graph::Value& after = graph.value(output);
        ASSERT_TRUE(after.shape.has_value()) << name << ": " << after.name;
        EXPECT_EQ(graph::to_string(*after.shape), graph::to_string(*before.shape))
            << name << ": " << after.name;
        EXPECT_EQ(after.type, before.type) << name << ": " << after.name;
      }
    }
  }
}

TEST(InferAndFold, LeavesNoShapeArithmeticThatTheBatchDoesNotNeed) {
  Graph graph = zoo::vision_transformer();
  infer_and_fold(graph);
  const auto count = [&](std::string_view type) {
    return std::count_if(graph.nodes().begin(), graph.nodes().end(), [&](const graph::Node& node) {
      return node.is(type);
    });
  };
  // The class token is repeated N times; nothing else asks for a shape when the network runs.
  EXPECT_EQ(count("Expand"), 1);
  EXPECT_EQ(count("Shape"), 1);
}

TEST(InferAndFold, CopesWithTheSharedModels) {
  OMPQ_SHARED_OR_SKIP(shared);
  int models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared / "models")) {
    if (entry.path().extension() != ".onnx") continue;
    ++models;
    Graph graph = onnx_io::import_onnx(entry.path());
    infer_and_fold(graph);
    ASSERT_EQ(graph.outputs().size(), 1U) << entry.path();
    const graph::Shape& shape = graph.value(graph.outputs()[0]).shape.value();
    EXPECT_EQ(shape.front(), graph::Dim::batch()) << entry.path();
    const std::int64_t classes =
        entry.path().stem().string().find("cifar10") != std::string::npos ? 10 : 1000;
    EXPECT_EQ(shape.at(1), graph::Dim::fixed(classes)) << entry.path();
  }
  EXPECT_GE(models, 3);
}

}  // namespace
}  // namespace ompq::ops
