#include "ompq/graph/opset_moves.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

// The new form of each node. That it computes the same is tested in tests/onnx_io, by ONNX Runtime.

namespace ompq::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Ints = std::vector<std::int64_t>;
using Attributes = std::map<std::string, Attribute>;

/// One node on an input [2, 4, 6], before and after a move.
class MovedNode {
 public:
  MovedNode(const std::string& type,
            Attributes attributes,
            const std::vector<Tensor>& operands = {}) {
    const ValueId x = graph_.add_input("x", DataType::Float32, fixed_shape({2, 4, 6}));
    Node node{.name = "node", .op_type = type, .inputs = {x}, .attributes = std::move(attributes)};
    for (std::size_t i = 0; i < operands.size(); ++i) {
      node.inputs.push_back(graph_.add_constant("operand" + std::to_string(i), operands[i]));
    }
    graph_.mark_output(graph_.add_op(std::move(node), type == "Split" ? 3 : 1));
  }

  using Move = Refusal (*)(Graph&, NodeId);
  Refusal by(Move move) { return move(graph_, 0); }

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] const Node& node() const { return graph_.node(0); }
  [[nodiscard]] Ints ints(std::size_t place) const {
    const auto values = graph_.value(node().inputs.at(place)).constant->data<std::int64_t>();
    return {values.begin(), values.end()};
  }
  [[nodiscard]] std::vector<float> floats(std::size_t place) const {
    return graph_.value(node().inputs.at(place)).constant->to_floats();
  }

 private:
  Graph graph_;
};

Tensor vector_of(const std::vector<float>& values) {
  return Tensor::from({static_cast<std::int64_t>(values.size())}, values);
}

TEST(UpgradeToOperands, TurnsListsIntoInt64Constants) {
  MovedNode squeeze("Squeeze", {{"axes", Ints{0, 2}}});
  EXPECT_EQ(squeeze.by(upgrade_axes), std::nullopt);
  EXPECT_THAT(squeeze.ints(1), ElementsAre(0, 2));
  MovedNode split("Split", {{"split", Ints{1, 2, 3}}, {"axis", std::int64_t{2}}});
  EXPECT_EQ(split.by(upgrade_split), std::nullopt);
  EXPECT_THAT(split.ints(1), ElementsAre(1, 2, 3));
  EXPECT_EQ(split.node().int_attribute("axis", 0), 2) << "others stay attributes";
  MovedNode slice("Slice", {{"starts", Ints{1}}, {"ends", Ints{3}}, {"axes", Ints{1}}});
  EXPECT_EQ(slice.by(upgrade_slice), std::nullopt);
  EXPECT_THAT(slice.ints(1), ElementsAre(1));
  EXPECT_THAT(slice.ints(2), ElementsAre(3));
  EXPECT_THAT(slice.ints(3), ElementsAre(1));
  MovedNode top("TopK", {{"k", std::int64_t{5}}});
  EXPECT_EQ(top.by(upgrade_top_k), std::nullopt);
  EXPECT_THAT(top.ints(1), ElementsAre(5));
  for (const MovedNode* one : {&squeeze, &slice, &top}) {
    EXPECT_THAT(one->node().attributes, IsEmpty()) << one->node().op_type;
  }
}

TEST(UpgradeToOperands, LeavesAGapForABoundThatIsAbsent) {
  MovedNode clip("Clip", {{"max", 6.0F}});
  EXPECT_EQ(clip.by(upgrade_clip), std::nullopt);
  ASSERT_EQ(clip.node().inputs.size(), 3U);
  EXPECT_EQ(clip.node().inputs[1], kNoValue);
  EXPECT_THAT(clip.floats(2), ElementsAre(6.0F));
  MovedNode pad("Pad", {{"pads", Ints{0, 0, 1, 0, 0, 2}}, {"value", 0.5F}});
  EXPECT_EQ(pad.by(upgrade_pad), std::nullopt);
  EXPECT_THAT(pad.ints(1), ElementsAre(0, 0, 1, 0, 0, 2));
  EXPECT_THAT(pad.floats(2), ElementsAre(0.5F));
}

TEST(UpgradeToOperands, LeavesANodeThatHasThemAlready) {
  MovedNode squeeze("Squeeze", {}, {Tensor::from<std::int64_t>({1}, {0})});
  EXPECT_EQ(squeeze.by(upgrade_axes), std::nullopt);
  EXPECT_THAT(squeeze.ints(1), ElementsAre(0));
  MovedNode clip("Clip", {}, {Tensor::scalar(0.0F)});
  EXPECT_EQ(clip.by(upgrade_clip), std::nullopt);
  EXPECT_EQ(clip.node().inputs.size(), 2U);
}

TEST(UpgradeEvenSplit, CountsOutputsOnlyWithoutSizes) {
  MovedNode even("Split", {});
  EXPECT_EQ(even.by(upgrade_even_split), std::nullopt);
  EXPECT_EQ(even.node().int_attribute("num_outputs", 0), 3);
  MovedNode sized("Split", {}, {Tensor::from<std::int64_t>({3}, {1, 1, 2})});
  EXPECT_EQ(sized.by(upgrade_even_split), std::nullopt);
  EXPECT_FALSE(sized.node().has_attribute("num_outputs"));
}

TEST(UpgradeAveragePool, RefusesOnlyWindowsThatExtendPastACountedPadding) {
  const auto refusal = [](std::int64_t ceil, std::int64_t counted) {
    MovedNode pool("AveragePool", {{"ceil_mode", ceil}, {"count_include_pad", counted}});
    return pool.by(upgrade_average_pool).value_or("");
  };
  EXPECT_THAT(refusal(1, 1), HasSubstr("windows extend past the padding"));
  EXPECT_EQ(refusal(1, 0) + refusal(0, 1) + refusal(0, 0), "");
}

TEST(UpgradeGroupNorm, RepeatsScaleAndBiasForTheChannelsOfEachGroup) {
  MovedNode norm("GroupNormalization",
                 {{"num_groups", std::int64_t{2}}},
                 {vector_of({1, 2}), vector_of({3, 4})});
  EXPECT_EQ(norm.by(upgrade_group_norm), std::nullopt);
  EXPECT_THAT(norm.floats(1), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(norm.floats(2), ElementsAre(3, 3, 4, 4));
  MovedNode computed("GroupNormalization", {{"num_groups", std::int64_t{2}}});
  EXPECT_THAT(computed.by(upgrade_group_norm).value_or(""), HasSubstr("only known at run time"));
}

TEST(UpgradeDropout, DropsTheRatio) {
  MovedNode dropout("Dropout", {{"ratio", 0.5F}});
  EXPECT_EQ(dropout.by(upgrade_dropout), std::nullopt);
  EXPECT_THAT(dropout.node().attributes, IsEmpty());
}

TEST(UpgradeBatchNorm, RefusesStatisticsPerPosition) {
  MovedNode norm("BatchNormalization", {{"spatial", std::int64_t{1}}});
  EXPECT_EQ(norm.by(upgrade_batch_norm), std::nullopt);
  EXPECT_FALSE(norm.node().has_attribute("spatial"));
  MovedNode positions("BatchNormalization", {{"spatial", std::int64_t{0}}});
  EXPECT_THAT(positions.by(upgrade_batch_norm).value_or(""), HasSubstr("spatial = 0"));
}

TEST(UpgradeScatter, IsARename) {
  MovedNode scatter("Scatter", {{"axis", std::int64_t{1}}});
  EXPECT_EQ(scatter.by(upgrade_scatter), std::nullopt);
  EXPECT_EQ(scatter.node().op_type, "ScatterElements");
  EXPECT_EQ(scatter.node().int_attribute("axis", 0), 1);
}

TEST(UpgradeSoftmax, OfTheLastAxisIsOneNode) {
  for (const std::int64_t axis : {-1, 2}) {
    MovedNode softmax("Softmax", {{"axis", axis}});
    EXPECT_EQ(softmax.by(upgrade_softmax), std::nullopt);
    EXPECT_EQ(softmax.node().int_attribute("axis", 0), -1);
    EXPECT_EQ(softmax.graph().nodes().size(), 1U);
  }
}

TEST(UpgradeSoftmax, OfAnEarlierAxisFlattensAndRestoresTheShape) {
  MovedNode softmax("Softmax", {});  // axis 1
  const ValueId output = softmax.graph().outputs()[0];
  EXPECT_EQ(softmax.by(upgrade_softmax), std::nullopt);
  const Graph& graph = softmax.graph();
  EXPECT_EQ(graph.node(graph.producer(output)).op_type, "Reshape");
  const Node& flatten = graph.node(graph.producer(softmax.node().inputs[0]));
  EXPECT_EQ(flatten.op_type, "Flatten");
  EXPECT_EQ(flatten.int_attribute("axis", 0), 1);
  EXPECT_EQ(flatten.inputs[0], graph.inputs()[0]);
}

TEST(UpgradeGridSample, RenamesModes) {
  const std::pair<std::string, std::string> names[]{
      {"bilinear", "linear"}, {"bicubic", "cubic"}, {"nearest", "nearest"}};
  for (const auto& [old, name] : names) {
    MovedNode grid("GridSample", {{"mode", old}});
    EXPECT_EQ(grid.by(upgrade_grid_sample), std::nullopt);
    EXPECT_EQ(grid.node().string_attribute("mode", ""), name);
  }
  MovedNode plain("GridSample", {});
  EXPECT_EQ(plain.by(upgrade_grid_sample), std::nullopt);
  EXPECT_FALSE(plain.node().has_attribute("mode")) << "the default has the same meaning";
}

TEST(UpgradeResize, RoundsDownIfItGrowsAndUpIfItShrinks) {
  const auto rounding = [](const std::vector<float>& scales) {
    MovedNode resize("Resize", {{"mode", std::string("nearest")}}, {vector_of(scales)});
    EXPECT_EQ(resize.by(upgrade_resize), std::nullopt);
    EXPECT_EQ(resize.node().string_attribute("coordinate_transformation_mode", ""), "asymmetric");
    EXPECT_EQ(resize.node().inputs[1], kNoValue) << "the region of interest";
    EXPECT_EQ(resize.floats(2), scales);
    return resize.node().string_attribute("nearest_mode", "");
  };
  EXPECT_EQ(rounding({1, 1, 2}), "floor");
  EXPECT_EQ(rounding({1, 1, 0.5F}), "ceil");
  MovedNode both("Resize", {}, {vector_of({1, 0.5F, 2})});
  EXPECT_THAT(both.by(upgrade_resize).value_or(""), HasSubstr("shrinks one axis and enlarges"));
}

TEST(UpgradeResize, TakesAnUpsampleWithItsFactorsAsAttribute) {
  MovedNode upsample("Upsample",
                     {{"mode", std::string("linear")}, {"scales", std::vector<float>{1, 1, 2}}});
  EXPECT_EQ(upsample.by(upgrade_resize), std::nullopt);
  EXPECT_EQ(upsample.node().op_type, "Resize");
  EXPECT_THAT(upsample.floats(2), ElementsAre(1, 1, 2));
  EXPECT_EQ(upsample.node().string_attribute("mode", ""), "linear");
  EXPECT_FALSE(upsample.node().has_attribute("scales"));
  EXPECT_FALSE(upsample.node().has_attribute("nearest_mode"));
}

}  // namespace
}  // namespace ompq::graph
