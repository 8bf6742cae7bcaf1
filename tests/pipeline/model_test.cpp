#include "ompq/pipeline/model.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"

namespace ompq::pipeline {
namespace {

using graph::Dim;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A network whose inputs have these shapes and are its outputs, each after a Relu.
graph::Graph with_inputs(const std::vector<graph::Shape>& shapes) {
  testing::GraphBuilder builder("inputs");
  std::vector<graph::ValueId> outputs;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::string name = std::to_string(i);
    outputs.push_back(builder.relu("relu" + name, builder.input("x" + name, shapes[i])));
  }
  return builder.finish(outputs);
}

TEST(InputSpecs, LeaveTheOpenBatchOut) {
  const auto specs =
      input_specs(with_inputs({{Dim::batch(), Dim::fixed(3), Dim::fixed(8), Dim::fixed(9)}}));
  ASSERT_EQ(specs.size(), 1U);
  EXPECT_EQ(specs[0].name, "x0");
  EXPECT_THAT(specs[0].extents, ElementsAre(3, 8, 9));
  EXPECT_EQ(specs[0].batch_axis, 0U);
}

TEST(InputSpecs, FindTheBatchOnALaterAxis) {
  const auto specs = input_specs(with_inputs({{Dim::fixed(7), Dim::batch(), Dim::fixed(5)}}));
  EXPECT_THAT(specs.at(0).extents, ElementsAre(7, 5));
  EXPECT_EQ(specs.at(0).batch_axis, 1U);
}

TEST(InputSpecs, TakeTheFirstExtentForTheBatchWhereAllAreFixed) {
  const auto specs = input_specs(with_inputs({{Dim::fixed(4), Dim::fixed(6)}}));
  EXPECT_THAT(specs.at(0).extents, ElementsAre(6));
  EXPECT_EQ(specs.at(0).batch_axis, 0U);
}

TEST(InputSpecs, AnInputWithoutAnOpenExtentNextToOneWithItIsShared) {
  const auto specs = input_specs(with_inputs({{Dim::batch(), Dim::fixed(3)}, {Dim::fixed(2)}, {}}));
  EXPECT_EQ(specs.at(0).batch_axis, 0U);
  EXPECT_FALSE(specs.at(1).batch_axis);
  EXPECT_THAT(specs.at(1).extents, ElementsAre(2));
  EXPECT_FALSE(specs.at(2).batch_axis);
  EXPECT_THAT(specs.at(2).extents, IsEmpty());
}

TEST(InputSpecs, RefuseASecondOpenExtentAndSayHowToGiveIt) {
  try {
    (void)input_specs(with_inputs({{Dim::batch(), Dim::fixed(3), Dim::batch()}}));
    FAIL() << "an open extent has no size";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("input 'x0'"));
    EXPECT_THAT(error.what(), HasSubstr("--input-shape"));
  }
}

TEST(BatchSizeFor, IsWhatIsWantedOrAWholeNumberOfFixedPasses) {
  EXPECT_EQ(batch_size_for(with_inputs({{Dim::batch(), Dim::fixed(3)}}), 50), 50);
  const graph::Graph eight = with_inputs({{Dim::fixed(8), Dim::fixed(3)}});
  EXPECT_EQ(batch_size_for(eight, 50) % 8, 0);
  EXPECT_EQ(batch_size_for(eight, 64), 64);
  EXPECT_EQ(batch_size_for(eight, 1), 8) << "at least one pass";
}

}  // namespace
}  // namespace ompq::pipeline
