#include "ompq/training/network_plan.h"

#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::training {
namespace {

using graph::Dim;
using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::ValueId;
using ompq::testing::GraphBuilder;
using ::testing::ElementsAre;
using ::testing::SizeIs;

ValueId plan_input(GraphBuilder& builder) {
  return builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(4), Dim::fixed(4)});
}

/// A residual block: relu(conv2(relu(conv1(x))) + x).
struct Residual {
  Residual() {
    GraphBuilder builder("block");
    x = plan_input(builder);
    hidden = builder.relu("relu1", builder.conv("conv1", x, {.out = 3}));
    sum = builder.relu("relu2", builder.add("add", builder.conv("conv2", hidden, {.out = 3}), x));
    graph = builder.finish({builder.unary("Sigmoid", "sigmoid", sum)});
  }
  ValueId x = kNoValue;
  ValueId hidden = kNoValue;
  ValueId sum = kNoValue;
  Graph graph;
};

TEST(PlanSteps, FusesNormResidualBoundsAndQuantizerIntoOneStep) {
  const Residual block;
  const auto steps = plan_steps({.graph = block.graph,
                                 .products = {0, 2},
                                 .norms = {{2, 7}},
                                 .quantized = {block.hidden, block.sum}});
  ASSERT_THAT(steps, SizeIs(3));
  EXPECT_EQ(steps[0].product, 0);
  EXPECT_EQ(steps[0].output, block.hidden);
  EXPECT_EQ(steps[0].epilogue.min, 0.0F);
  EXPECT_EQ(steps[0].epilogue.max, std::numeric_limits<float>::infinity());
  EXPECT_TRUE(steps[0].epilogue.quantized);
  EXPECT_EQ(steps[0].epilogue.norm, -1);
  EXPECT_EQ(steps[1].product, 2);
  EXPECT_EQ(steps[1].epilogue.norm, 7);
  EXPECT_EQ(steps[1].epilogue.residual, block.x);
  EXPECT_EQ(steps[1].epilogue.min, 0.0F);
  EXPECT_EQ(steps[1].output, block.sum);
  EXPECT_EQ(steps[2].product, kNoNode);
  EXPECT_EQ(steps[2].other, 5);
}

TEST(PlanSteps, FreesValuesAfterTheirLastReader) {
  const Residual block;
  const auto steps = plan_steps({.graph = block.graph, .products = {0, 2}});
  EXPECT_THAT(steps[0].last_read, ::testing::IsEmpty()) << "the residual is read later";
  EXPECT_THAT(steps[1].last_read, ::testing::UnorderedElementsAre(block.hidden, block.x));
  EXPECT_THAT(steps[2].last_read, ElementsAre(block.sum));
}

TEST(PlanSteps, DoesNotFuseAReaderOfAQuantizedValue) {
  GraphBuilder builder("quantized");
  const ValueId made = builder.conv("conv", plan_input(builder), {.out = 3});
  const Graph graph = builder.finish({builder.relu("relu", made)});
  const auto steps = plan_steps({.graph = graph, .products = {0}, .quantized = {made}});
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_EQ(steps[0].output, made);
  EXPECT_TRUE(steps[0].epilogue.quantized);
  EXPECT_EQ(steps[1].input, made);
  EXPECT_EQ(steps[1].epilogue.min, 0.0F);
}

TEST(PlanSteps, DoesNotQuantizeAnOutputOfTheNetwork) {
  GraphBuilder builder("output");
  const ValueId made = builder.conv("conv", plan_input(builder), {.out = 3});
  const ValueId last = builder.unary("Sigmoid", "sigmoid", made);
  const Graph graph = builder.finish({made, last});
  const auto steps = plan_steps({.graph = graph, .products = {0}, .quantized = {made}});
  ASSERT_THAT(steps, SizeIs(3));
  EXPECT_FALSE(steps[0].epilogue.quantized);
  EXPECT_TRUE(steps[1].epilogue.quantized) << "a step of its own for the readers";
  EXPECT_EQ(steps[1].input, made);
}

TEST(PlanSteps, QuantizesInputsFirst) {
  GraphBuilder builder("input");
  const ValueId x = plan_input(builder);
  const Graph graph = builder.finish({builder.conv("conv", x, {.out = 3})});
  const auto steps = plan_steps({.graph = graph, .products = {0}, .quantized = {x}});
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_EQ(steps[0].input, x);
  EXPECT_TRUE(steps[0].epilogue.quantized);
  EXPECT_EQ(steps[1].product, 0);
}

TEST(PlannedEpilogue, IsEmptyByDefault) {
  EXPECT_FALSE(PlannedEpilogue{}.any());
  EXPECT_TRUE(PlannedEpilogue{.norm = 0}.any());
  EXPECT_TRUE(PlannedEpilogue{.max = 6.0F}.any());
  EXPECT_TRUE(PlannedEpilogue{.quantized = true}.any());
}

}  // namespace
}  // namespace ompq::training
