#include "ompq/sensitivity/weight_error.h"

#include <vector>

#include <gtest/gtest.h>

#include "sensitivity/weight_cases.h"

namespace ompq::sensitivity {
namespace {

using testing::Fixture;
using testing::measure_weights;
using testing::relative_weight_error;

TEST(WeightMse, IsTheRelativeSquaredChange) {
  const Fixture fixture(testing::residual_network());
  const LossTable table =
      measure_weights(fixture, {.metrics = {"weight-mse"}, .widths = fixture.widths});
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      EXPECT_DOUBLE_EQ(table.at(l, w), relative_weight_error(fixture, l, fixture.widths[w]));
    }
  }
}

TEST(WeightMse, OfAWeightOfZerosIsZero) {
  Fixture fixture(testing::residual_network());
  auto& weight = fixture.graph.mutable_value(fixture.layers()[1].weight);
  weight.constant = Tensor(DataType::Float32, weight.constant->shape());
  const LossTable table =
      measure_weights(fixture, {.metrics = {"weight-mse"}, .widths = fixture.widths});
  for (std::size_t w = 0; w < fixture.widths.size(); ++w) EXPECT_EQ(table.at(1, w), 0);
}

TEST(WeightMse, SortsItsWidths) {
  const Fixture fixture(testing::residual_network());
  const LossTable table = measure_weights(
      fixture,
      {.metrics = {"weight-mse"}, .widths = {BitWidth(8), BitWidth(2), BitWidth(4), BitWidth(2)}});
  EXPECT_EQ(table.widths, fixture.widths);
}

TEST(RelativeChange, DividesEachRowByItsWeight) {
  const Fixture fixture(testing::smooth_network());
  const MeasureOptions options{.widths = {BitWidth(2), BitWidth(4)}};
  const LossTable squared_change{options.widths, {8, 2, 3, 0.5, 1, 0}};
  const std::vector<double> squared_weight{4, 1, 0};
  const QuantizedWeight quantized = fixture.quantizer();
  const LossTable table = relative_change({.graph = fixture.graph,
                                           .layers = fixture.layers(),
                                           .options = options,
                                           .quantized = quantized,
                                           .squared_change = squared_change,
                                           .squared_weight = squared_weight});
  EXPECT_EQ(table.values, (std::vector<double>{2, 0.5, 3, 0.5, 0, 0}));
  EXPECT_EQ(table.widths, options.widths);
}

}  // namespace
}  // namespace ompq::sensitivity
