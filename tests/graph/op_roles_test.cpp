#include "ompq/graph/op_roles.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/graph/uses.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;

const Shape kPlanes{Dim::batch(), Dim::fixed(4), Dim::fixed(6), Dim::fixed(6)};

/// A network of one input, for the node that reads it.
class RoleOf : public ::testing::Test {
 protected:
  GraphBuilder b_{"roles"};
  ValueId x_ = b_.input("x", kPlanes);
  ValueId other_ = b_.input("other", kPlanes);

  /// The node that produces `output`.
  const Node& node(ValueId output) { return b_.graph().node(b_.graph().producer(output)); }
  ValueId number(float value) {
    return b_.constant("number" + std::to_string(value), Tensor::scalar(value));
  }
  ValueId numbers(const std::string& name, std::vector<std::int64_t> shape) {
    return b_.normal_constant(name, std::move(shape), 1.0);
  }
  const Graph& graph() { return b_.graph(); }
};

TEST_F(RoleOf, TransparentNodesMoveTheirFirstInput) {
  EXPECT_TRUE(is_transparent(node(b_.unary("Identity", "identity", x_)), x_));
  EXPECT_TRUE(is_transparent(node(b_.transpose("transpose", x_, {0, 2, 3, 1})), x_));
  const ValueId padded =
      b_.op({.name = "pad", .op_type = "Pad", .inputs = {x_, numbers("pads", {8})}}, kPlanes);
  EXPECT_TRUE(is_transparent(node(padded), x_));
  EXPECT_FALSE(is_transparent(node(padded), b_.graph().find_value("pads")));
  EXPECT_FALSE(is_transparent(node(b_.relu("relu", x_)), x_));
}

TEST_F(RoleOf, NormsNormalizeTheirFirstInput) {
  const ValueId y = b_.norm("norm", x_);
  EXPECT_TRUE(is_norm(node(y), x_));
  EXPECT_FALSE(is_norm(node(y), node(y).inputs[1]));
  EXPECT_FALSE(is_norm(node(b_.relu("relu", x_)), x_));
}

TEST_F(RoleOf, AffineNodesHaveOneNumberOrOnePerChannel) {
  int made = 0;
  const auto is = [&](const std::string& type, ValueId a, ValueId b) {
    return is_affine(graph(), node(b_.binary(type, type + std::to_string(made++), a, b)), x_);
  };
  const ValueId channels = numbers("channels", {4, 1, 1});
  EXPECT_TRUE(is("Add", x_, number(2.0F)));
  EXPECT_TRUE(is("Mul", channels, x_));
  EXPECT_TRUE(is("Sub", x_, channels));
  EXPECT_FALSE(is("Sub", channels, x_)) << "it is the subtrahend";
  EXPECT_FALSE(is("Add", x_, numbers("image", {4, 6, 6})));
  EXPECT_FALSE(is("Add", x_, other_));
  EXPECT_FALSE(is("Mul", x_, numbers("more", {3, 1, 1, 1, 1}))) << "it changes the shape";
  EXPECT_FALSE(is_affine(graph(), node(b_.relu("relu", x_)), x_));
}

TEST_F(RoleOf, ActivationsHaveConstantSlopesAndBounds) {
  for (const std::string type : {"Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Elu"}) {
    EXPECT_TRUE(is_activation(graph(), node(b_.unary(type, type, x_)), x_)) << type;
  }
  const auto clip = [&](ValueId bound) {
    return b_.op({.name = "clip" + std::to_string(bound), .op_type = "Clip", .inputs = {x_, bound}},
                 kPlanes);
  };
  EXPECT_TRUE(is_activation(graph(), node(clip(number(0.0F))), x_));
  EXPECT_FALSE(is_activation(graph(), node(clip(other_)), x_));
  EXPECT_TRUE(is_activation(graph(), node(b_.binary("Min", "min", number(6.0F), x_)), x_));
  EXPECT_FALSE(is_activation(graph(), node(b_.unary("Identity", "identity", x_)), x_));
}

TEST_F(RoleOf, BoundsCutAtOneNumber) {
  EXPECT_TRUE(is_bound(graph(), node(b_.clip("clip", x_, 0.0F, 6.0F)), x_));
  EXPECT_TRUE(is_bound(graph(), node(b_.binary("Max", "max", x_, number(0.0F))), x_));
  EXPECT_FALSE(
      is_bound(graph(), node(b_.binary("Min", "channels", x_, numbers("c", {4, 1, 1}))), x_));
  EXPECT_FALSE(is_bound(graph(), node(b_.binary("Min", "two", x_, other_)), x_));
  EXPECT_FALSE(is_bound(graph(), node(b_.relu("relu", x_)), x_)) << "an activation, not a bound";
}

TEST_F(RoleOf, ResidualAddsJoinTwoActivationsOfOneShape) {
  EXPECT_TRUE(is_residual_add(graph(), node(b_.add("add", x_, other_))));
  EXPECT_TRUE(is_residual_add(graph(), node(b_.binary("Sum", "sum", x_, other_))));
  EXPECT_FALSE(is_residual_add(graph(), node(b_.add("twice", x_, x_))));
  EXPECT_FALSE(is_residual_add(graph(), node(b_.add("bias", x_, numbers("bias", {4, 1, 1})))));
  EXPECT_FALSE(is_residual_add(graph(), node(b_.binary("Mul", "mul", x_, other_))));
  const ValueId pooled = b_.global_average_pool("pool", x_);
  EXPECT_FALSE(is_residual_add(graph(), node(b_.add("broadcast", x_, pooled))));
}

/// Names of the gate that reads "conv", whose output `follow` reads.
template <typename Follow>
std::vector<std::string> gate_after(Follow follow) {
  GraphBuilder b("gate");
  const ValueId x = b.conv("conv", b.input("input", kPlanes), {.out = 4});
  const ValueId y = follow(b, x);
  const Graph graph = b.finish({b.max_pool("pool", y, 2, 2, 0)});
  std::vector<std::string> names;
  for (const NodeId id : gated_activation(graph, Uses(graph), x)) {
    names.push_back(graph.node(id).name);
  }
  return names;
}

TEST(GatedActivation, IsBothChainsTheProductAndItsFactor) {
  EXPECT_THAT(gate_after([](GraphBuilder& b, ValueId x) {
                return b.binary("Mul", "silu", x, b.unary("Sigmoid", "gate", x));
              }),
              ElementsAre("gate", "silu"));
  EXPECT_THAT(gate_after([](GraphBuilder& b, ValueId x) {
                const ValueId shifted = b.add("add", x, b.constant("three", Tensor::scalar(3.0F)));
                const ValueId y = b.binary("Mul", "mul", x, b.clip("clip", shifted, 0.0F, 6.0F));
                return b.binary("Div", "div", y, b.constant("six", Tensor::scalar(6.0F)));
              }),
              ElementsAre("add", "clip", "mul", "div"));
}

TEST(GatedActivation, IsNoneIfTheGateSeesMoreThanItsElement) {
  EXPECT_THAT(gate_after([](GraphBuilder& b, ValueId x) {
                const ValueId gate = b.unary("Sigmoid", "gate", b.global_average_pool("mean", x));
                return b.binary("Mul", "excite", x, gate);
              }),
              IsEmpty());
  EXPECT_THAT(gate_after([](GraphBuilder& b, ValueId x) {
                return b.add("sum", x, b.unary("Sigmoid", "gate", x));
              }),
              IsEmpty())
      << "a sum is no gate";
  EXPECT_THAT(gate_after([](GraphBuilder& b, ValueId x) { return b.relu("relu", x); }), IsEmpty())
      << "one reader";
}

}  // namespace
}  // namespace ompq::graph
