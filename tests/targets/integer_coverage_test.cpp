#include "ompq/targets/integer_coverage.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/targets/placement.h"
#include "support/graph_builder.h"

namespace ompq::targets {
namespace {

using graph::Dim;
using graph::Graph;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

graph::Shape picture() { return {Dim::batch(), Dim::fixed(4), Dim::fixed(8), Dim::fixed(8)}; }

/// All layers quantized, with the quantizers of the target's kernels.
IntegerCoverage coverage(const Graph& graph,
                         const std::string& float_layer = "",
                         const std::string& name = "onnxruntime") {
  auto layers = graph::discover(graph).layers;
  const auto has_codes = [&](const graph::Layer& layer) { return layer.name != float_layer; };
  const Placement places = place_quantizers(
      graph, layers, std::vector<BitWidth>(layers.size(), BitWidth(8)), target(name));
  return integer_coverage(
      graph,
      layers,
      target(name),
      [&](graph::ValueId value) { return places.contains(value); },
      has_codes);
}

std::vector<std::string> texts(const IntegerCoverage& found) {
  std::vector<std::string> made;
  for (const auto& [op_type, nodes] : found.float_operators) {
    made.push_back(op_type);
    made.insert(made.end(), nodes.begin(), nodes.end());
  }
  return made;
}

TEST(IntegerCoverage, NamesOperatorsThatStayFloatBetweenIntegerLayers) {
  testing::GraphBuilder b("swish");
  const auto x = b.input("x", picture());
  const auto first = b.unary("HardSwish", "h1", b.conv("a", x, {.out = 4}));
  const auto second = b.relu("r", b.conv("b", first, {.out = 4}));
  const auto third = b.unary("Tanh", "t", b.add("sum", first, second));
  const auto fourth = b.unary("HardSwish", "h2", b.conv("c", third, {.out = 4}));
  // The last operator is after all layers.
  const auto end = b.unary("Tanh", "end", b.gemm("fc", b.flatten("flat", fourth), 3));
  const IntegerCoverage found = coverage(b.finish({end}));
  EXPECT_THAT(found.integer_layers, ElementsAre("a", "b", "c", "fc"));
  EXPECT_THAT(found.float_layers, IsEmpty());
  // The sum is on the way to a Tanh, so that no integer layer reads its codes.
  EXPECT_THAT(texts(found), ElementsAre("HardSwish", "h1", "h2", "Add", "sum", "Tanh", "t"));
}

TEST(IntegerCoverage, NamesFloatLayers) {
  testing::GraphBuilder b("parts");
  const auto x = b.input("x", picture());
  const auto a = b.relu("r", b.conv("a", x, {.out = 4}));
  const auto up = b.conv_transpose("up", a, {.out = 4, .kernel = 2, .stride = 2});
  const auto end = b.gemm("fc", b.flatten("flat", b.conv("c", up, {.out = 4})), 3);
  const Graph graph = b.finish({end});
  const IntegerCoverage found = coverage(graph);
  EXPECT_THAT(found.integer_layers, ElementsAre("a", "c", "fc"));
  EXPECT_THAT(found.float_layers, ElementsAre("up")) << "ConvTranspose has no integer kernel";
  EXPECT_THAT(texts(found), IsEmpty());
  EXPECT_THAT(coverage(graph, "c").float_layers, ElementsAre("up", "c")) << "its weight is float";
}

TEST(IntegerCoverage, HasNoFloatOperatorsInANetworkThatRunsOnIntegers) {
  testing::GraphBuilder b("integers");
  const auto x = b.input("x", picture());
  const auto a = b.relu("ra", b.conv("a", x, {.out = 4}));
  const auto scaled = b.binary("Mul", "scale", a, b.constant("half", Tensor::scalar(0.5F)));
  const auto sum = b.relu("rs", b.add("sum", scaled, b.conv("b", a, {.out = 4})));
  const auto pooled = b.global_average_pool("pool", sum);
  const auto found = coverage(b.finish({b.gemm("fc", b.flatten("flat", pooled), 3)}));
  EXPECT_THAT(found.integer_layers, ElementsAre("a", "b", "fc"));
  EXPECT_THAT(texts(found), IsEmpty());
}

/// A HardSwish runs on codes in QNN, and so does what reads it; TensorRT needs no quantizer after a
/// Conv.
TEST(IntegerCoverage, FollowsTheTarget) {
  testing::GraphBuilder b("swish");
  const auto x = b.input("x", picture());
  const auto first = b.unary("HardSwish", "h", b.conv("a", x, {.out = 4}));
  const auto half = b.binary("Mul", "scale", first, b.constant("half", Tensor::scalar(0.5F)));
  const auto end = b.gemm("fc", b.flatten("flat", b.conv("b", half, {.out = 4})), 3);
  const Graph graph = b.finish({end});
  EXPECT_THAT(texts(coverage(graph)), ElementsAre("HardSwish", "h", "Mul", "scale"));
  EXPECT_THAT(texts(coverage(graph, "", "qnn")), IsEmpty());
  EXPECT_THAT(coverage(graph, "", "tensorrt").integer_layers, ElementsAre("a", "b", "fc"));
}

}  // namespace
}  // namespace ompq::targets
