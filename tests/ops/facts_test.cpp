#include "ompq/ops/facts.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Integers = std::vector<std::int64_t>;

/// A node "n" of this operator, in the opset of the test.
struct AnyNode {
  graph::Node node{.name = "n", .op_type = "Conv"};
  int opset = 13;
  [[nodiscard]] OpContext context() const { return {node, opset}; }
};

InputFacts floats_of_shape(Shape shape) { return {.present = true, .shape = std::move(shape)}; }

/// Integers whose elements are known.
InputFacts integers_of(std::vector<Dim> elements, Shape shape) {
  return {.present = true,
          .type = DataType::Int64,
          .shape = std::move(shape),
          .elements = std::move(elements)};
}

InputFacts list_of(std::vector<Dim> elements) {
  const auto count = static_cast<std::int64_t>(elements.size());
  return integers_of(std::move(elements), {Dim::fixed(count)});
}

template <typename Action>
std::string misfit_of(const Action& action) {
  try {
    action();
  } catch (const ShapeError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Facts, OfAnInputPastTheEndAreThoseOfAnAbsentOne) {
  const std::vector<InputFacts> inputs{floats_of_shape({Dim::fixed(2), Dim::batch()}), {}};
  EXPECT_TRUE(has(inputs, 0));
  EXPECT_FALSE(has(inputs, 1) || has(inputs, 2));
  EXPECT_EQ(rank_of(fact(inputs, 0)), 2);
  EXPECT_FALSE(fact(inputs, 7).present);
}

TEST(Facts, NameTheNodeThatDoesNotFit) {
  EXPECT_EQ(misfit_of([] { fail(AnyNode().context(), "rule"); }), "[ops] Conv node 'n': rule");
}

TEST(NeedsFloat, NamesAnotherType) {
  const AnyNode any;
  const OpContext context = any.context();
  const std::vector<InputFacts> floats{floats_of_shape({})};
  const std::vector<InputFacts> whole{list_of({Dim::fixed(1)})};
  std::vector<InputFacts> unknown = whole;
  unknown[0].known = false;
  EXPECT_EQ(needs_float(context, floats), std::nullopt);
  EXPECT_EQ(needs_float(context, unknown), std::nullopt);
  EXPECT_EQ(needs_float(context, whole), "works on float types, its input is int64");
}

TEST(NeedsImages, TakesOneToThreeSpatialAxes) {
  const AnyNode any;
  const OpContext context = any.context();
  for (std::size_t rank = 1; rank <= 6; ++rank) {
    const std::vector<InputFacts> inputs{floats_of_shape(Shape(rank, Dim::fixed(2)))};
    EXPECT_EQ(needs_images(context, inputs).has_value(), rank < 3 || rank > 5) << rank;
  }
}

TEST(NeedsKnown, NamesAnInputThatIsComputedFromData) {
  const Tensor constant = Tensor::scalar(1.0F);
  std::vector<InputFacts> inputs(4);
  inputs[0] = floats_of_shape({});
  inputs[1] = {.present = true, .constant = &constant};
  inputs[2] = list_of({Dim::batch()});
  EXPECT_EQ(needs_known(inputs, 0, "axes"),
            "its axes (input 0) is computed from data; it must be constant");
  for (const std::size_t index : {1, 2, 3, 9}) {
    EXPECT_EQ(needs_known(inputs, index, "axes"), std::nullopt) << index;
  }
}

TEST(NormalAxis, CountsFromTheEndAndStaysInRange) {
  const AnyNode any;
  EXPECT_EQ(normal_axis(any.context(), 2, 3), 2);
  EXPECT_EQ(normal_axis(any.context(), -3, 3), 0);
  EXPECT_THAT(misfit_of([&] { (void)normal_axis(any.context(), 3, 3); }),
              HasSubstr("axis 3 is outside 3 axes"));
  EXPECT_THAT(misfit_of([&] { (void)normal_axis(any.context(), -4, 3); }), HasSubstr("axis -4"));
  EXPECT_THAT(normal_axes(any.context(), {-1, 0}, 3), ElementsAre(2, 0));
  EXPECT_THAT(misfit_of([&] {
                (void)normal_axes(any.context(), {2, -1}, 3);
              }),
              HasSubstr("axis -1 is given twice"));
}

TEST(KnownIntegers, AreConstantsOrElementsWithoutTheBatch) {
  const Tensor constant = Tensor::from<std::int32_t>({2}, {3, -4});
  const Tensor number = Tensor::scalar(1.0F);
  EXPECT_EQ(known_integers({.present = true, .constant = &constant}), (Integers{3, -4}));
  EXPECT_EQ(known_integers(list_of({Dim::fixed(5)})), (Integers{5}));
  EXPECT_EQ(known_integers(list_of({Dim::fixed(5), Dim::batch()})), std::nullopt);
  EXPECT_EQ(known_integers({.present = true, .constant = &number}), std::nullopt);
  EXPECT_EQ(known_integers(floats_of_shape({})), std::nullopt);
  EXPECT_EQ(known_integers({}), std::nullopt);
}

TEST(IntsFrom, ReadsTheAttributeBeforeTheOpsetOfTheInput) {
  AnyNode any;
  any.node.attributes["axes"] = Integers{7};
  const std::vector<InputFacts> inputs{{}, list_of({Dim::fixed(5)}), floats_of_shape({})};
  any.opset = 12;
  EXPECT_EQ(ints_from(any.context(), inputs, "axes", 1, 13), (Integers{7}));
  EXPECT_EQ(ints_from(any.context(), inputs, "steps", 1, 13), std::nullopt);
  any.opset = 13;
  EXPECT_EQ(ints_from(any.context(), inputs, "axes", 1, 13), (Integers{5}));
  EXPECT_EQ(ints_from(any.context(), inputs, "axes", 0, 13), std::nullopt) << "absent";
  EXPECT_THAT(misfit_of([&] { (void)ints_from(any.context(), inputs, "axes", 2, 13); }),
              HasSubstr("'axes' (input 2) is not constant"));
}

TEST(Broadcast, StretchesExtentsOfOne) {
  const AnyNode any;
  const Shape image{Dim::batch(), Dim::fixed(3), Dim::fixed(1)};
  EXPECT_EQ(broadcast(any.context(), image, {Dim::fixed(1), Dim::fixed(8)}),
            (Shape{Dim::batch(), Dim::fixed(3), Dim::fixed(8)}));
  EXPECT_EQ(broadcast(any.context(), {}, image), image);
  EXPECT_THAT(misfit_of([&] {
                (void)broadcast(any.context(), image, {Dim::fixed(2), Dim::fixed(8)});
              }),
              HasSubstr("shapes Nx3x1 and 2x8 do not broadcast"));
  EXPECT_THAT(misfit_of([&] { (void)broadcast(any.context(), {Dim::batch()}, {Dim::fixed(2)}); }),
              HasSubstr("do not broadcast"))
      << "N is not always 2";
  const std::vector<InputFacts> three{floats_of_shape({Dim::fixed(1)}),
                                      floats_of_shape({Dim::fixed(4), Dim::fixed(1)}),
                                      floats_of_shape({Dim::fixed(5)})};
  EXPECT_EQ(broadcast_all(any.context(), three), graph::fixed_shape({4, 5}));
}

TEST(StridesOf, AreRowMajor) {
  EXPECT_THAT(strides_of({2, 3, 4}), ElementsAre(12, 4, 1));
  EXPECT_THAT(strides_of({}), IsEmpty());
}

TEST(ElementsAs, RepeatAlongStretchedAxes) {
  const InputFacts column = integers_of({Dim::fixed(7), Dim::batch()}, graph::fixed_shape({2, 1}));
  const Elements wide = elements_as(column, graph::fixed_shape({2, 3}));
  ASSERT_TRUE(wide);
  EXPECT_THAT(
      *wide,
      ElementsAre(
          Dim::fixed(7), Dim::fixed(7), Dim::fixed(7), Dim::batch(), Dim::batch(), Dim::batch()));
  EXPECT_FALSE(elements_as(column, graph::fixed_shape({2, kMaxKnownElements}))) << "too many";
  EXPECT_FALSE(elements_as(column, {Dim::fixed(2), Dim::batch()}));
}

TEST(Combine, AppliesAFunctionToEachPair) {
  const Shape two = graph::fixed_shape({2});
  const InputFacts a = list_of({Dim::batch(), Dim::fixed(5)});
  const InputFacts b = integers_of({Dim::fixed(3)}, {});
  const Elements product = combine(a, b, two, multiply);
  ASSERT_TRUE(product);
  EXPECT_THAT(*product, ElementsAre(Dim::batch(3), Dim::fixed(15)));
  EXPECT_FALSE(combine(a, a, two, multiply)) << "N x N is not known";
  EXPECT_FALSE(combine(floats_of_shape(two), floats_of_shape(two), two, multiply));
}

}  // namespace
}  // namespace ompq::ops
