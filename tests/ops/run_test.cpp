#include "ompq/ops/run.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::ops {
namespace {

using ::testing::ElementsAre;

TEST(Input, IsUndefinedPastTheEnd) {
  const std::vector<at::Tensor> inputs{at::ones({2}), at::Tensor()};
  EXPECT_TRUE(input(inputs, 0).defined());
  EXPECT_FALSE(input(inputs, 1).defined() || input(inputs, 2).defined());
  EXPECT_TRUE(optional_input(inputs, 0).has_value());
  EXPECT_FALSE(optional_input(inputs, 1).has_value() || optional_input(inputs, 2).has_value());
}

TEST(Integers, ReadAnyIntegerTypeInRowMajorOrder) {
  const at::Tensor matrix = at::tensor({1, 2, 3, 4}, at::kInt).reshape({2, 2});
  EXPECT_THAT(integers(matrix.t()), ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(integers(at::tensor({255}, at::kByte)), ElementsAre(255));
  EXPECT_THAT(integers(at::empty({0}, at::kLong)), ::testing::IsEmpty());
}

TEST(IntsFromTensors, ReadsTheAttributeBeforeTheOpsetOfTheInput) {
  graph::Node node{.name = "n", .op_type = "Squeeze"};
  node.attributes["axes"] = std::vector<std::int64_t>{7};
  const std::vector<at::Tensor> inputs{at::Tensor(), at::tensor({5, 6}, at::kLong)};
  using Found = std::optional<std::vector<std::int64_t>>;
  EXPECT_EQ(ints_from({node, 12}, inputs, "axes", 1, 13), (Found{{7}}));
  EXPECT_EQ(ints_from({node, 12}, inputs, "steps", 1, 13), std::nullopt);
  EXPECT_EQ(ints_from({node, 13}, inputs, "axes", 1, 13), (Found{{5, 6}}));
  EXPECT_EQ(ints_from({node, 13}, inputs, "axes", 0, 13), std::nullopt);
}

TEST(InFormatOf, FollowsImagesAlone) {
  const at::Tensor plain = at::rand({2, 3, 4, 5});
  const at::Tensor last = plain.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor moved = in_format_of(last, plain);
  EXPECT_TRUE(moved.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(moved, plain));
  EXPECT_TRUE(in_format_of(plain, last).is_contiguous());
  const at::Tensor matrix = at::rand({3, 4}).t();
  EXPECT_TRUE(in_format_of(last, matrix).is_same(matrix));
}

TEST(PositiveAxis, CountsFromTheEnd) {
  EXPECT_EQ(positive_axis(-1, 4), 3);
  EXPECT_EQ(positive_axis(2, 4), 2);
}

/// Returns its first input and, second, its element type as a number.
Outputs type_seen(const OpContext&, Inputs inputs) {
  return {inputs[0],
          at::scalar_tensor(static_cast<std::int64_t>(inputs[0].scalar_type()), at::kLong)};
}

TEST(RunWidened, ComputesNarrowTypesInFloat32AndConvertsBack) {
  const graph::Node node{.name = "n", .op_type = "Any"};
  struct Row {
    at::ScalarType given;
    Native native;
    at::ScalarType computed;
  };
  for (const Row& row : {Row{at::kHalf, Native::None, at::kFloat},
                         Row{at::kHalf, Native::BFloat16, at::kFloat},
                         Row{at::kBFloat16, Native::None, at::kFloat},
                         Row{at::kBFloat16, Native::BFloat16, at::kBFloat16},
                         Row{at::kFloat, Native::None, at::kFloat},
                         Row{at::kDouble, Native::None, at::kDouble}}) {
    const std::vector<at::Tensor> inputs{at::full({2}, 1.5, row.given)};
    const Outputs outputs = run_widened(type_seen, row.native, {node, 13}, inputs);
    EXPECT_EQ(outputs.at(0).scalar_type(), row.given);
    EXPECT_TRUE(at::equal(outputs[0], inputs[0]));
    EXPECT_EQ(outputs.at(1).scalar_type(), at::kLong) << "only float32 is converted back";
    EXPECT_EQ(outputs[1].item<std::int64_t>(), static_cast<std::int64_t>(row.computed));
  }
}

TEST(RunWidened, PassesOnMissingInputs) {
  const graph::Node node{.name = "n", .op_type = "Any"};
  const RunFunction run = [](const OpContext&, Inputs inputs) {
    EXPECT_FALSE(inputs[1].defined());
    return Outputs{inputs[0]};
  };
  const std::vector<at::Tensor> inputs{at::ones({1}, at::kHalf), at::Tensor()};
  EXPECT_EQ(run_widened(run, Native::None, {node, 13}, inputs).at(0).scalar_type(), at::kHalf);
}

}  // namespace
}  // namespace ompq::ops
