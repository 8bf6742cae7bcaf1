#include "ompq/ops/inference.h"

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const Shape kPictures{Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)};

/// Nodes without types and shapes over an input x, as a file has them.
struct Untyped {
  Graph graph;
  ValueId x = graph.add_input("x", DataType::Float32, kPictures);

  ValueId add(const std::string& name,
              const std::string& type,
              std::vector<ValueId> inputs,
              std::map<std::string, graph::Attribute> attributes = {}) {
    return graph.add_op({name, type, "", std::move(inputs), {}, std::move(attributes)});
  }
  ValueId number(std::int64_t value) { return graph.add_constant("number", Tensor::scalar(value)); }
  /// The number of channels of x, by its shape.
  ValueId channels() { return add("channels", "Gather", {add("shape", "Shape", {x}), number(1)}); }
  ValueId choose(const std::string& name, ValueId condition) {
    auto inside = std::make_shared<Graph>();
    inside->mark_output(inside->add_open_input("x"));
    const graph::SubGraph branch = inside;
    return add(name,
               "If",
               {condition, x},
               {{"then_branch", branch},
                {"else_branch", branch},
                {std::string(graph::kCapturesNote), std::int64_t{1}}});
  }
};

TEST(Inference, LearnsTypesShapesAndElements) {
  Untyped net;
  const ValueId shape = net.add("shape", "Shape", {net.x});
  const ValueId y = net.add("relu", "Relu", {net.x});
  Inference inference(net.graph);
  EXPECT_FALSE(inference.knows(y));
  inference.visit_all();
  ASSERT_TRUE(inference.knows(shape) && inference.knows(y));
  EXPECT_EQ(inference.facts_of(y).shape, kPictures);
  const OutputFacts facts = inference.facts_of(shape);
  EXPECT_EQ(facts.type, DataType::Int64);
  EXPECT_EQ(facts.shape, graph::fixed_shape({4}));
  EXPECT_EQ(facts.elements, kPictures);
  EXPECT_NO_THROW(inference.raise());
}

TEST(Inference, UsesElementsOfInputsThatAreGiven) {
  Untyped net;
  const ValueId target = net.graph.add_input("target", DataType::Int64, graph::fixed_shape({2}));
  const ValueId y = net.add("reshape", "Reshape", {net.x, target});
  Inference inference(net.graph);
  inference.know(target, std::vector<Dim>{Dim::batch(), Dim::fixed(192)});
  inference.visit_all();
  EXPECT_EQ(inference.facts_of(y).shape, (Shape{Dim::batch(), Dim::fixed(192)}));
}

TEST(Inference, ListsUnsupportedNodesBeforeShapesThatDoNotFit) {
  Untyped net;
  const ValueId w = net.graph.add_constant("w", Tensor(DataType::Float32, {4, 5, 3, 3}));
  net.add("misfit", "Conv", {net.x, w});
  {
    Graph graph = net.graph;
    Inference inference(graph);
    inference.visit_all();
    EXPECT_THROW(inference.raise(), ShapeError);
  }
  net.add("odd", "Frobnicate", {net.x});
  Inference inference(net.graph);
  inference.visit_all();
  try {
    inference.raise();
    FAIL() << "nothing was thrown";
  } catch (const UnsupportedOp& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("1 of 2 nodes cannot be run"), HasSubstr("Frobnicate node 'odd'")));
  }
}

TEST(KnownConditions, FollowFromShapesAndConstants) {
  Untyped net;
  const ValueId three = net.add("equal", "Equal", {net.channels(), net.number(3)});
  const ValueId no = net.graph.add_constant("no", Tensor::scalar(false));
  const ValueId open = net.graph.add_input("c", DataType::Bool, {});
  net.graph.mark_output(net.choose("by_shape", three));
  net.graph.mark_output(net.choose("never", no));
  net.graph.mark_output(net.choose("open", open));
  net.graph.mark_output(net.add("odd", "Frobnicate", {net.x}));
  EXPECT_THAT(known_conditions(net.graph),
              ElementsAre(Pair("by_shape", true), Pair("never", false)));
}

TEST(DataDependentNodes, AreTheFirstWhoseShapesDependOnTheData) {
  Untyped net;
  const ValueId places = net.add("places", "NonZero", {net.x});
  net.graph.mark_output(net.add("turned", "Transpose", {places}));
  const ValueId whole =
      net.add("whole", "Cast", {net.add("sum", "ReduceSum", {net.x})}, {{"to", std::int64_t{7}}});
  net.graph.mark_output(net.add("reshaped", "Reshape", {net.x, whole}));
  net.add("unread", "NonZero", {net.x});
  EXPECT_THAT(data_dependent_nodes(net.graph), ElementsAre("places", "reshaped"));
}

TEST(DataDependentNodes, AreNotTheOtherUnsupportedOnes) {
  Untyped net;
  net.graph.mark_output(net.add("odd", "Frobnicate", {net.x}));
  net.graph.mark_output(net.add("swish", "HardSwish", {net.x}));  // of opset 14
  EXPECT_THAT(data_dependent_nodes(net.graph), IsEmpty());
}

}  // namespace
}  // namespace ompq::ops
