#include "ompq/training/network_plan.h"

#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
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
using graph::NodeId;
using graph::ValueId;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::IsEmpty;

const graph::Shape kFourPlanes{Dim::batch(), Dim::fixed(4), Dim::fixed(6), Dim::fixed(6)};

/// A network of 1x1 convolutions on four channels, and its plan. All convolutions are products.
class PlannedNetwork : public ::testing::Test {
 protected:
  GraphBuilder b_{"planned"};
  ValueId x_ = b_.input("x", kFourPlanes);

  ValueId conv(const std::string& name, ValueId x) { return b_.conv(name, x, {.out = 4}); }

  std::vector<PlannedStep> plan(const std::vector<ValueId>& outputs,
                                std::set<ValueId> quantized = {},
                                const std::string& normed = "",
                                int norm = 0) {
    graph_ = b_.finish(outputs);
    std::set<NodeId> products;
    std::map<NodeId, int> norms;
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      if (graph_.node(id).is("Conv")) products.insert(id);
      if (graph_.node(id).name == normed) norms.emplace(id, norm);
    }
    return plan_steps({graph_, products, norms, std::move(quantized)});
  }

  NodeId id_of(const std::string& name) const {
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      if (graph_.nodes()[i].name == name) return static_cast<NodeId>(i);
    }
    throw std::runtime_error("no node " + name);
  }

  Graph graph_;
};

TEST_F(PlannedNetwork, RunsNormSumBoundsAndQuantizerWithTheirProduct) {
  const ValueId sum = b_.relu("relu", b_.add("add", conv("first", x_), x_));
  const ValueId y = conv("second", sum);
  const auto steps = plan({y}, {sum}, "first", 2);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].product, id_of("first"));
  EXPECT_EQ(steps[0].epilogue.norm, 2);
  EXPECT_EQ(steps[0].epilogue.residual, x_);
  EXPECT_EQ(steps[0].epilogue.least, 0.0F);
  EXPECT_EQ(steps[0].epilogue.most, std::numeric_limits<float>::infinity());
  EXPECT_TRUE(steps[0].epilogue.quantized);
  EXPECT_EQ(steps[0].output, sum);
  EXPECT_THAT(steps[0].last_read, ElementsAre(x_));
  EXPECT_EQ(steps[1].product, id_of("second"));
  EXPECT_FALSE(steps[1].epilogue.any());
  EXPECT_THAT(steps[1].last_read, ElementsAre(sum));
}

TEST_F(PlannedNetwork, StopsAtAValueWithTwoReadersOrBounds) {
  const ValueId y = b_.clip("clip", b_.relu("relu", conv("first", x_)), 0.0F, 6.0F);
  const ValueId z = conv("second", x_);
  const auto steps = plan({y, b_.relu("left", z), b_.unary("Sigmoid", "right", z)});
  ASSERT_EQ(steps.size(), 5U);
  EXPECT_EQ(steps[0].output, graph_.find_value("relu_output"));
  EXPECT_EQ(steps[1].product, kNoNode) << "the second bound is a step of its own";
  EXPECT_EQ(steps[1].input, steps[0].output);
  EXPECT_EQ(steps[1].epilogue.most, 6.0F);
  EXPECT_EQ(steps[2].output, z);
  EXPECT_FALSE(steps[2].epilogue.any());
  EXPECT_EQ(steps[3].epilogue.least, 0.0F);
  EXPECT_EQ(steps[4].other, id_of("right"));
}

TEST_F(PlannedNetwork, AddsAResidualOnceItIsComputed) {
  const ValueId early = conv("early", x_);
  const ValueId late = conv("late", x_);
  const ValueId sum = b_.add("add", early, late);
  const auto steps = plan({sum});
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].epilogue.residual, kNoValue) << "the other operand is not there yet";
  EXPECT_EQ(steps[1].product, id_of("late"));
  EXPECT_EQ(steps[1].epilogue.residual, early);
  EXPECT_EQ(steps[1].output, sum);
  EXPECT_THAT(steps[1].last_read, ElementsAre(early, x_));
}

TEST_F(PlannedNetwork, QuantizesInputsAndOutputsInStepsOfTheirOwn) {
  const ValueId y = b_.relu("relu", conv("conv", x_));
  const ValueId z = conv("next", y);
  const auto steps = plan({y, z}, {x_, y});
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0].input, x_);
  EXPECT_EQ(steps[0].output, x_);
  EXPECT_TRUE(steps[0].epilogue.quantized);
  EXPECT_FALSE(steps[1].epilogue.quantized) << "the network returns it in float";
  EXPECT_EQ(steps[2].input, y);
  EXPECT_TRUE(steps[2].epilogue.quantized);
  EXPECT_EQ(steps[3].product, id_of("next"));
  for (const PlannedStep& step : steps) {
    EXPECT_THAT(step.last_read, ::testing::Not(::testing::Contains(y))) << "it is an output";
  }
}

TEST_F(PlannedNetwork, RunsOtherOperatorsAndLoneNorms) {
  const ValueId pooled = b_.max_pool("pool", x_, 2, 2, 0);
  const ValueId y = b_.relu("relu", b_.norm("norm", pooled));
  const auto steps = plan({y}, {pooled}, "norm", 0);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].other, id_of("pool"));
  EXPECT_EQ(steps[0].output, pooled);
  EXPECT_THAT(steps[0].last_read, ElementsAre(x_));
  EXPECT_TRUE(steps[1].epilogue.quantized) << "of the pooled value";
  EXPECT_EQ(steps[2].input, pooled);
  EXPECT_EQ(steps[2].epilogue.norm, 0);
  EXPECT_EQ(steps[2].epilogue.least, 0.0F);
  EXPECT_EQ(steps[2].output, y);
}

TEST_F(PlannedNetwork, LeavesASumThatBroadcastsToItsOperator) {
  const ValueId y = b_.add("add", conv("conv", x_), b_.global_average_pool("pool", x_));
  const auto steps = plan({y});
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[2].other, id_of("add"));
  EXPECT_EQ(steps[2].epilogue.residual, kNoValue);
}

}  // namespace
}  // namespace ompq::training
