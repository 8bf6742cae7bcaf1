#include "ompq/runtime/plan.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::runtime {
namespace {

using graph::Dim;
using graph::ValueId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(MakePlan, FreesAValueAfterItsLastReader) {
  testing::GraphBuilder builder("fork");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(4)});
  const ValueId a = builder.relu("a", x);
  const ValueId b = builder.unary("Neg", "b", a);
  const ValueId sum = builder.add("sum", a, b);
  const graph::Graph graph = builder.finish({sum});
  const ExecutionPlan plan = make_plan(graph);
  ASSERT_EQ(plan.steps.size(), 3U);
  EXPECT_THAT(plan.steps[0].last_read, ElementsAre(x));
  EXPECT_THAT(plan.steps[1].last_read, IsEmpty());
  EXPECT_THAT(plan.steps[2].last_read, UnorderedElementsAre(a, b)) << "the output stays";
  EXPECT_EQ(plan.first_reader(graph, x), 0U);
  EXPECT_EQ(plan.first_reader(graph, a), 1U);
  EXPECT_EQ(plan.first_reader(graph, sum), 3U) << "no node reads it";
}

TEST(MakePlan, FreesAnUnusedOutputAtOnce) {
  testing::GraphBuilder builder("unread");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(4)});
  const ValueId unread = builder.relu("unread", x);
  const ExecutionPlan plan = make_plan(builder.finish({builder.unary("Neg", "shown", x)}));
  EXPECT_THAT(plan.steps[0].last_read, ElementsAre(unread));
  EXPECT_THAT(plan.steps[1].last_read, ElementsAre(x));
}

TEST(MakePlan, FreesEveryActivationOnceAndNoConstantOrOutput) {
  const graph::Graph graph = testing::zoo::efficient_net();
  const ExecutionPlan plan = make_plan(graph);
  std::map<ValueId, std::size_t> freed;
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    EXPECT_EQ(plan.steps[s].node, static_cast<graph::NodeId>(s));
    for (const ValueId value : plan.steps[s].last_read) {
      EXPECT_TRUE(freed.emplace(value, s).second) << graph.value(value).name;
      EXPECT_FALSE(graph.is_constant(value));
      EXPECT_FALSE(graph.is_output(value));
    }
  }
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    for (const ValueId input : graph.nodes()[n].inputs) {
      if (input == graph::kNoValue || graph.is_constant(input) || graph.is_output(input)) continue;
      EXPECT_GE(freed.at(input), n) << graph.value(input).name << " is read after it was freed";
    }
  }
}

}  // namespace
}  // namespace ompq::runtime
