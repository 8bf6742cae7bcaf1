#include "ompq/ops/sub_graphs.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"

namespace ompq::ops {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Shape;
using graph::ValueId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// y = 2 x + c, and x itself; c is the second input.
Graph scaled_sum() {
  Graph inside;
  const ValueId x = inside.add_open_input("x");
  const ValueId c = inside.add_open_input("c");
  const ValueId two = inside.add_constant("two", Tensor::scalar(2.0F));
  const ValueId scaled = inside.add_op({"scale", "Mul", "", {x, two}, {}, {}});
  inside.mark_output(inside.add_op({"sum", "Add", "", {scaled, c}, {}, {}}));
  inside.mark_output(x);
  inside.mark_output(two);
  return inside;
}

TEST(RunSubGraph, ComputesItsOutputsInOrder) {
  const std::vector<at::Tensor> inputs{at::tensor({1.0F, 2.0F}), at::tensor({10.0F})};
  const std::vector<at::Tensor> outputs = run_sub_graph(scaled_sum(), inputs);
  ASSERT_EQ(outputs.size(), 3U);
  EXPECT_THAT(from_aten(outputs[0]).data<float>(), ElementsAre(12, 14));
  EXPECT_TRUE(outputs[1].is_same(inputs[0])) << "an input is passed on";
  EXPECT_THAT(from_aten(outputs[2]).data<float>(), ElementsAre(2)) << "a constant";
}

TEST(RunSubGraph, PassesMissingOperandsAndUnreadOutputs) {
  Graph inside;
  const ValueId x = inside.add_open_input("x");
  const ValueId high = inside.add_constant("high", Tensor::scalar(1.0F));
  const ValueId clipped = inside.add_op({"clip", "Clip", "", {x, graph::kNoValue, high}, {}, {}});
  const ValueId second = inside.add_value({.name = "second"});
  inside.add_node({"split", "Split", "", {clipped}, {graph::kNoValue, second}, {}});
  inside.mark_output(second);
  const std::vector<at::Tensor> inputs{at::tensor({-5.0F, 0.0F, 0.5F, 3.0F})};
  EXPECT_THAT(from_aten(run_sub_graph(inside, inputs).at(0)).data<float>(), ElementsAre(0.5F, 1));
}

TEST(RunSubGraph, HasAGradient) {
  const at::Tensor x = at::tensor({1.0F, 2.0F}).set_requires_grad(true);
  const std::vector<at::Tensor> inputs{x, at::tensor({10.0F})};
  run_sub_graph(scaled_sum(), inputs).at(0).sum().backward();
  EXPECT_THAT(from_aten(x.grad()).data<float>(), ElementsAre(2, 2));
}

TEST(RunSubGraph, NamesANodeWithoutARow) {
  Graph inside;
  inside.mark_output(
      inside.add_op({"odd", "Frobnicate", "", {inside.add_open_input("x")}, {}, {}}));
  const std::vector<at::Tensor> inputs{at::ones({1})};
  try {
    (void)run_sub_graph(inside, inputs);
    FAIL() << "nothing was thrown";
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Frobnicate node 'odd' has no row"));
  }
}

TEST(InferSubGraph, KnowsTypesAndShapesOfItsOutputs) {
  const std::vector<InputFacts> inputs{{.present = true, .shape = {Dim::batch(), Dim::fixed(3)}},
                                       {.present = true, .shape = {Dim::fixed(3)}}};
  const auto outputs = infer_sub_graph(scaled_sum(), inputs);
  ASSERT_EQ(outputs.size(), 3U);
  EXPECT_EQ(outputs[0].shape, (Shape{Dim::batch(), Dim::fixed(3)}));
  EXPECT_EQ(outputs[0].type, DataType::Float32);
  EXPECT_EQ(outputs[1].shape, outputs[0].shape);
  EXPECT_EQ(outputs[2].shape, Shape{});
}

TEST(InferSubGraph, PassesOnElementsThatAreKnown) {
  Graph inside;
  const ValueId x = inside.add_open_input("x");
  const ValueId four = inside.add_constant("four", Tensor::scalar(std::int64_t{4}));
  inside.mark_output(inside.add_op({"mul", "Mul", "", {x, four}, {}, {}}));
  const std::vector<InputFacts> inputs{{.present = true,
                                        .type = DataType::Int64,
                                        .shape = {Dim::fixed(2)},
                                        .elements = std::vector{Dim::batch(), Dim::fixed(3)}}};
  const auto outputs = infer_sub_graph(inside, inputs);
  ASSERT_TRUE(outputs.at(0).elements);
  EXPECT_THAT(*outputs[0].elements, ElementsAre(Dim::batch(4), Dim::fixed(12)));
}

TEST(InferSubGraph, RefusesWhatCannotBeRunOrIsNotKnown) {
  const std::vector<InputFacts> misfits{{.present = true, .shape = {Dim::fixed(2)}},
                                        {.present = true, .shape = {Dim::fixed(3)}}};
  EXPECT_THROW((void)infer_sub_graph(scaled_sum(), misfits), ShapeError);
  Graph odd = scaled_sum();
  odd.mutable_node(0).op_type = "Frobnicate";
  EXPECT_THROW((void)infer_sub_graph(odd, misfits), UnsupportedOp);
  const std::vector<InputFacts> unknown{{.present = true, .known = false},
                                        {.present = true, .shape = {Dim::fixed(3)}}};
  try {
    (void)infer_sub_graph(scaled_sum(), unknown);
    FAIL() << "nothing was thrown";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the shape of 'sum_output', an output of a sub-network"));
  }
}

}  // namespace
}  // namespace ompq::ops
