#include "ompq/pipeline/paired_values.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/pipeline/load_model.h"
#include "pipeline/integer_networks.h"
#include "pipeline/small_model.h"
#include "support/graph_builder.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using graph::Graph;

std::map<graph::NodeId, graph::NodeId> layers_by_name(const Graph& plain, const Graph& file) {
  std::map<graph::NodeId, graph::NodeId> pairs;
  for (const graph::Layer& ours : graph::discover(plain).layers) {
    for (const graph::Layer& theirs : graph::discover(file).layers) {
      if (ours.name == theirs.name) pairs.emplace(ours.node, theirs.node);
    }
  }
  return pairs;
}

/// As it is read from a file, where only layers keep their names.
Graph written(const Model& model) {
  const testing::TemporaryDirectory folder;
  const std::size_t layers = model.discovery.layers.size();
  const QuantizedNetwork network = integer_network(
      model, small_samples(32), std::vector<int>(layers, 4), std::vector<int>(layers, 6));
  onnx_io::write_onnx_file(folder / "net.onnx", export_file(network, {}));
  return load_graph(folder / "net.onnx");
}

/// The operator that makes the partner of a value.
std::string maker_of_partner(const Model& model, const Graph& file, const char* name) {
  const auto pairs = paired_values(model.graph, file, layers_by_name(model.graph, file));
  const auto found = pairs.find(model.graph.find_value(name));
  if (found == pairs.end()) return "none";
  const graph::NodeId maker = file.producer(found->second);
  return maker == graph::kNoNode ? "input" : file.node(maker).op_type;
}

TEST(PairedValues, FollowOperatorsThroughQuantizersWithoutNames) {
  const Model model = small_model();
  const Graph file = written(model);
  EXPECT_EQ(file.find_value("add_output"), graph::kNoValue)
      << "the test needs a file without names";
  EXPECT_EQ(maker_of_partner(model, file, "x"), "input");
  EXPECT_EQ(maker_of_partner(model, file, "conv3_output"), "Conv");
  EXPECT_EQ(maker_of_partner(model, file, "add_output"), "Add");
  EXPECT_EQ(maker_of_partner(model, file, "relu3_output"), "Add") << "its quantizer clips";
  EXPECT_EQ(maker_of_partner(model, file, "pool_output"), "GlobalAveragePool");
  EXPECT_EQ(maker_of_partner(model, file, "flatten_output"), "Flatten");
}

TEST(PairedValues, TellOperatorsOnTheSameValueApart) {
  testing::GraphBuilder builder("two pools");
  const auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  const auto a = builder.relu("relu", builder.conv("a", x, {.out = 4, .kernel = 3}));
  const auto wide = builder.max_pool("wide", a, 3, 1, 1);
  const auto narrow = builder.max_pool("narrow", a, 1, 1, 0);
  const auto both = builder.concat("both", {wide, narrow}, 1);
  Model model;
  model.graph = builder.finish(
      {builder.gemm("fc", builder.flatten("flat", builder.conv("b", both, {.out = 2})), 3)});
  model.discovery = graph::discover(model.graph);
  const Graph file = written(model);
  const auto pairs = paired_values(model.graph, file, layers_by_name(model.graph, file));
  for (const auto& [name, kernel] :
       std::map<std::string, std::int64_t>{{"wide", 3}, {"narrow", 1}}) {
    const graph::ValueId partner = pairs.at(model.graph.find_value(name + "_output"));
    const graph::Node& node = file.node(file.producer(partner));
    EXPECT_EQ(node.ints_attribute("kernel_shape", {}).front(), kernel) << name;
  }
}

TEST(AfterQuantizer, IsTheDequantizedValueOrNone) {
  const Model model = small_model();
  const Graph file = written(model);
  const graph::ValueId real = after_quantizer(file, file.inputs().front());
  ASSERT_NE(real, graph::kNoValue);
  EXPECT_EQ(file.node(file.producer(real)).op_type, "DequantizeLinear");
  EXPECT_EQ(after_quantizer(file, file.outputs().front()), graph::kNoValue);
}

}  // namespace
}  // namespace ompq::pipeline
