#include "support/zoo.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "support/judge.h"
#include "support/judged_graphs.h"

namespace ompq::graph {
namespace {

namespace zoo = testing::zoo;

std::int64_t count_nodes(const Graph& graph, std::string_view op_type) {
  std::int64_t count = 0;
  for (const Node& node : graph.nodes()) count += node.is(op_type) ? 1 : 0;
  return count;
}

/// Trainable parameters: everything but running statistics.
std::int64_t count_parameters(const Graph& graph) {
  std::int64_t count = 0;
  for (const Value& value : graph.values()) {
    const bool trained = value.name.ends_with(".weight") || value.name.ends_with(".bias");
    if (trained && value.constant) count += value.constant->elements();
  }
  return count;
}

// The parameter counts are those that the papers' reference models are known by.
TEST(Zoo, Resnet18IsTheKnownNetwork) {
  Graph graph = zoo::resnet18();
  EXPECT_EQ(count_parameters(graph), 11'689'512);
  EXPECT_EQ(count_nodes(graph, "Conv"), 20);
  EXPECT_EQ(to_string(*graph.value(graph.outputs().at(0)).shape), "Nx1000");
  EXPECT_NO_THROW(graph.sort());
}

TEST(Zoo, Resnet50IsTheKnownNetwork) {
  Graph graph = zoo::resnet50();
  EXPECT_EQ(count_parameters(graph), 25'557'032);
  EXPECT_EQ(count_nodes(graph, "Conv"), 53);
  EXPECT_NO_THROW(graph.sort());
}

TEST(Zoo, MobilenetV2IsTheKnownNetwork) {
  Graph graph = zoo::mobilenet_v2();
  EXPECT_EQ(count_parameters(graph), 3'504'872);
  EXPECT_EQ(count_nodes(graph, "Conv"), 52);
  EXPECT_NO_THROW(graph.sort());
}

/// The network with every value of every node as an output.
Graph showing_all_values(Graph graph) {
  std::vector<ValueId> made;
  for (const Node& node : graph.nodes()) made.push_back(node.outputs[0]);
  graph.set_outputs(made);
  return graph;
}

TEST(Zoo, ActivationsStayOfOrderOne) {
  OMPQ_JUDGE_OR_SKIP();
  const zoo::Options tiny{.image_size = 64, .classes = 10, .width = 0.25};
  testing::JudgedGraphs judged;
  for (const Graph& graph : {zoo::resnet18(tiny), zoo::resnet50(tiny), zoo::mobilenet_v2(tiny)}) {
    judged.add(graph.name, showing_all_values(graph), testing::normal_feed(graph, 1, 3));
  }
  for (const auto& [name, values] : judged.run()) {
    EXPECT_GT(values.size(), 40U) << name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      double square = 0.0;
      for (const double x : values[i].data<float>()) square += x * x;
      const double rms = std::sqrt(square / static_cast<double>(values[i].elements()));
      EXPECT_GT(rms, 0.02) << name << " value " << i;
      EXPECT_LT(rms, 50.0) << name << " value " << i;
    }
  }
}

TEST(Zoo, EveryNetworkIsCompleteAndSorted) {
  for (Graph graph : {zoo::resnet20(zoo::Shortcut::Sampled),
                      zoo::resnet20(zoo::Shortcut::Projection),
                      zoo::vision_transformer(),
                      zoo::unet(),
                      zoo::squeeze_net(),
                      zoo::efficient_net(),
                      zoo::assorted(),
                      zoo::deep_resnet(3)}) {
    EXPECT_NO_THROW(graph.sort()) << graph.name;
    for (const Value& value : graph.values()) {
      EXPECT_TRUE(value.shape.has_value()) << graph.name << " " << value.name;
    }
  }
}

TEST(Zoo, SameSeedGivesTheSameWeights) {
  const zoo::Options small{.image_size = 32, .classes = 10, .width = 0.25};
  const Graph first = zoo::resnet18(small);
  const Graph again = zoo::resnet18(small);
  zoo::Options other = small;
  other.seed = 2;
  const Graph different = zoo::resnet18(other);
  const ValueId weight = first.find_value("layer4.1.conv2.weight");
  EXPECT_TRUE(first.value(weight).constant->equals(*again.value(weight).constant));
  EXPECT_FALSE(first.value(weight).constant->equals(*different.value(weight).constant));
}

}  // namespace
}  // namespace ompq::graph
