#include "ompq/reconstruction/block_compiler.h"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"

namespace ompq::reconstruction {
namespace {

using graph::Dim;
using graph::ValueId;
using ompq::testing::GraphBuilder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNoBound = std::numeric_limits<float>::infinity();

ValueId image_input(GraphBuilder& builder, const Dim& batch = Dim::batch()) {
  return builder.input("x", {batch, Dim::fixed(3), Dim::fixed(6), Dim::fixed(6)});
}

std::vector<std::string> op_names(const CompiledBlock& block) {
  std::vector<std::string> names;
  for (const auto& op : block.ops) names.push_back(op->name());
  return names;
}

TEST(CompileBlock, FusesActivationsIntoProductsAndSums) {
  GraphBuilder builder("fused");
  const ValueId x = image_input(builder);
  const ValueId a = builder.relu("relu", builder.conv("a", x, {.out = 3, .kernel = 3}));
  const ValueId b = builder.clip("clip", builder.conv("b", a, {.out = 3}), 0.0F, 6.0F);
  const ValueId sum = builder.relu("last", builder.add("add", b, a));
  const graph::Graph graph = builder.finish({sum});
  const CompiledBlock block = compile_block(graph, {}, {});
  EXPECT_THAT(op_names(block), ElementsAre("a", "b", "add"));
  ASSERT_EQ(block.products.size(), 2U);
  EXPECT_EQ(block.products[0].op->spec().bounds, (Bounds{0.0F, kNoBound}));
  EXPECT_EQ(block.products[1].op->spec().bounds, (Bounds{0.0F, 6.0F}));
  EXPECT_FALSE(block.products[0].op->spec().learns_weight);
}

TEST(CompileBlock, DoesNotFuseAnActivationOfAValueWithOtherReaders) {
  GraphBuilder builder("forked");
  const ValueId a = builder.conv("a", image_input(builder), {.out = 3});
  const graph::Graph graph = builder.finish({builder.add("add", builder.relu("relu", a), a)});
  const CompiledBlock block = compile_block(graph, {}, {});
  EXPECT_THAT(op_names(block), ElementsAre("a", "relu", "add"));
  EXPECT_FALSE(block.products[0].op->spec().bounds.any());
}

TEST(CompileBlock, PutsQuantizersBeforeTheReaders) {
  GraphBuilder builder("quantized");
  const ValueId x = image_input(builder);
  const ValueId hidden = builder.relu("relu", builder.conv("a", x, {.out = 3, .bias = true}));
  const graph::Graph graph = builder.finish({builder.conv("b", hidden, {.out = 3})});
  const quant::QuantParams params{.bits = BitWidth(4), .scale = {0.5F}, .zero_point = {0}};
  LearnedParts learned{.quantizers = {{hidden, params}}, .steps = {hidden}};
  learned.weights.insert(graph.find_value("b.weight"));
  const CompiledBlock block = compile_block(graph, learned, {});
  const std::string quantizer = graph.value(hidden).name + " (quantizer)";
  EXPECT_THAT(op_names(block), ElementsAre("a", quantizer, "b"));
  EXPECT_FALSE(block.products[0].op->spec().mask_output) << "the quantizer masks";
  ASSERT_EQ(block.quantizers.size(), 1U);
  EXPECT_EQ(block.quantizers[0].op->spec().bounds, (Bounds{0.0F, kNoBound}));
  EXPECT_FALSE(block.products[0].quantizer) << "the network's input stays float";
  EXPECT_EQ(block.products[1].quantizer, 0U);
  EXPECT_TRUE(block.products[1].op->spec().learns_weight);
  EXPECT_EQ(block.products[1].bias.size(), 0U);
  EXPECT_EQ(block.products[0].bias.size(), 3U);

  Lane lane;
  prepare_lane(block, lane);
  const QuantizeSpec& spec = block.quantizers[0].op->spec();
  EXPECT_EQ(lane.gradients[spec.input].data_ptr(), lane.gradients[spec.output].data_ptr());
  EXPECT_NE(lane.values[spec.input].data_ptr(), lane.values[spec.output].data_ptr());
  EXPECT_FALSE(lane.gradients[block.input].defined()) << "no one needs it";
}

TEST(CompileBlock, TakesTheBiasOfAMatMulFromTheAddAfterIt) {
  GraphBuilder builder("linear");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(5), Dim::fixed(8)});
  const graph::Graph graph = builder.finish({builder.linear("linear", x, 4)});
  const CompiledBlock block = compile_block(graph, {}, {});
  EXPECT_THAT(op_names(block), ElementsAre("linear"));
  EXPECT_TRUE(block.products[0].op->spec().transposed) << "[in, out]";
  ASSERT_NE(block.products[0].bias_value, graph::kNoValue);
  EXPECT_EQ(block.products[0].bias,
            graph.value(block.products[0].bias_value).constant->to_floats());
}

std::int64_t rows_of(const Dim& batch, std::int64_t wanted) {
  GraphBuilder builder("rows");
  const ValueId x = image_input(builder, batch);
  const graph::Graph graph = builder.finish({builder.conv("a", x, {.out = 3})});
  return compile_block(graph, {}, {.batch = 12, .threads = 2, .rows = wanted}).rows;
}

TEST(CompileBlock, DividesTheBatchIntoEqualPartsForTheThreads) {
  EXPECT_EQ(rows_of(Dim::batch(), 5), 4);
  EXPECT_EQ(rows_of(Dim::batch(), 1), 1);
  EXPECT_EQ(rows_of(Dim::batch(), 100), 6) << "half of the batch for each of two threads";
  EXPECT_EQ(rows_of(Dim::fixed(2), 5), 1) << "a row of a fixed batch is a pass";
}

TEST(CompileBlock, RequiresOneInputAndOneOutput) {
  GraphBuilder builder("two");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(4)});
  const ValueId y = builder.input("y", {Dim::batch(), Dim::fixed(4)});
  const graph::Graph graph = builder.finish({builder.add("add", x, y)});
  try {
    (void)compile_block(graph, {}, {});
    FAIL() << "accepted two inputs";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("this one has 2 and 1"));
  }
}

TEST(CompileBlock, NamesAnUnsupportedOperator) {
  GraphBuilder builder("strange");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(4)});
  const graph::Graph graph = builder.finish({builder.unary("NoSuchOperator", "odd", x)});
  try {
    (void)compile_block(graph, {}, {});
    FAIL() << "accepted an unknown operator";
  } catch (const UnsupportedOp& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("'odd'"), HasSubstr("NoSuchOperator")));
  }
}

}  // namespace
}  // namespace ompq::reconstruction
