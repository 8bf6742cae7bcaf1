#include "ompq/onnx_io/default_attributes.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ompq::onnx_io {
namespace {

using graph::Attribute;
using graph::Graph;
using Extents = std::vector<std::int64_t>;

/// x [N, 4, 9, 9] and a constant weight [4, 4, 3, 5], read by a node with one attribute.
bool is_default(const std::string& op_type,
                const std::string& name,
                Attribute value,
                const std::string& domain = "") {
  Graph graph;
  const auto x = graph.add_input("x", DataType::Float32, graph::fixed_shape({1, 4, 9, 9}));
  const auto w = graph.add_constant("w", Tensor(DataType::Float32, {4, 4, 3, 5}));
  graph.mark_output(
      graph.add_op({"node", op_type, domain, {x, w}, {}, {{name, std::move(value)}}}));
  return is_default_attribute(graph, graph.nodes().front(), name);
}

TEST(IsDefaultAttribute, HoldsForTheDefaultsOfConvolutions) {
  for (const char* type : {"Conv", "ConvTranspose"}) {
    EXPECT_TRUE(is_default(type, "group", std::int64_t{1})) << type;
    EXPECT_TRUE(is_default(type, "pads", Extents{0, 0, 0, 0})) << type;
    EXPECT_TRUE(is_default(type, "strides", Extents{1, 1})) << type;
    EXPECT_TRUE(is_default(type, "dilations", Extents{1, 1})) << type;
    EXPECT_TRUE(is_default(type, "kernel_shape", Extents{3, 5})) << type;
  }
}

TEST(IsDefaultAttribute, FailsForOtherValues) {
  EXPECT_FALSE(is_default("Conv", "group", std::int64_t{2}));
  EXPECT_FALSE(is_default("Conv", "pads", Extents{0, 0, 0, 1}));
  EXPECT_FALSE(is_default("Conv", "strides", Extents{1, 2}));
  EXPECT_FALSE(is_default("Conv", "dilations", Extents{2, 1}));
  EXPECT_FALSE(is_default("Conv", "kernel_shape", Extents{5, 3}));
  EXPECT_FALSE(is_default("Conv", "kernel_shape", Extents{3}));
  EXPECT_FALSE(is_default("Conv", "auto_pad", std::string("NOTSET")));
}

TEST(IsDefaultAttribute, FailsForOtherOperators) {
  EXPECT_FALSE(is_default("MaxPool", "strides", Extents{1, 1}));
  EXPECT_FALSE(is_default("Conv", "group", std::int64_t{1}, "com.example"));
}

TEST(IsDefaultAttribute, NeedsAConstantWeightForItsKernel) {
  Graph graph;
  const auto x = graph.add_input("x", DataType::Float32, graph::fixed_shape({1, 4, 9, 9}));
  const auto w = graph.add_input("w", DataType::Float32, graph::fixed_shape({4, 4, 3, 3}));
  graph.mark_output(
      graph.add_op({"node", "Conv", "", {x, w}, {}, {{"kernel_shape", Extents{3, 3}}}}));
  EXPECT_FALSE(is_default_attribute(graph, graph.nodes().front(), "kernel_shape"));
}

}  // namespace
}  // namespace ompq::onnx_io
