#include "ompq/data/array_input.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::data {
namespace {

using ::testing::ElementsAre;
using Extents = std::vector<std::int64_t>;
using Order = RowLayout::Order;

TEST(RowLayout, TakesTheRowsOwnOrderFirst) {
  const auto layout = row_layout(Extents{3, 3, 3}, Extents{3, -1, -1});
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->order, Order::Unchanged);
  EXPECT_THAT(layout->extents, ElementsAre(3, 3, 3));
}

TEST(RowLayout, ExchangesChannels) {
  const auto first = row_layout(Extents{5, 7, 3}, Extents{3, -1, -1});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->order, Order::ChannelsFirst);
  EXPECT_THAT(first->extents, ElementsAre(3, 5, 7));
  const auto last = row_layout(Extents{3, 5, 7}, Extents{5, 7, 3});
  ASSERT_TRUE(last);
  EXPECT_EQ(last->order, Order::ChannelsLast);
}

TEST(RowLayout, AddsAndDropsAxesOfLengthOne) {
  EXPECT_THAT(row_layout(Extents{}, Extents{1})->extents, ElementsAre(1));
  EXPECT_THAT(row_layout(Extents{28, 20}, Extents{1, -1, -1})->extents, ElementsAre(1, 28, 20));
  EXPECT_THAT(row_layout(Extents{1, 16}, Extents{16})->extents, ElementsAre(16));
  EXPECT_FALSE(row_layout(Extents{28, 28}, Extents{784}));
  EXPECT_FALSE(row_layout(Extents{4}, Extents{1}));
}

TEST(KeptIn, HoldsWholeNumbersToTheRangeOfTheType) {
  const Tensor max = Tensor::from<std::int64_t>({2}, {255, 0});
  EXPECT_THAT(kept_in(max, DataType::UInt8, "input").data<std::uint8_t>(), ElementsAre(255, 0));
  EXPECT_THROW((void)kept_in(max, DataType::Int8, "input"), DataError);
  const Tensor wide = Tensor::from<std::int64_t>({1}, {std::int64_t{1} << 40});
  EXPECT_THROW((void)kept_in(wide, DataType::Int32, "input"), DataError);
  EXPECT_EQ(kept_in(wide, DataType::Int64, "input").to_int64s()[0], std::int64_t{1} << 40);
  const Tensor nan = Tensor::from<float>({1}, {std::numeric_limits<float>::quiet_NaN()});
  EXPECT_THROW((void)kept_in(nan, DataType::Int64, "input"), DataError);
  EXPECT_NO_THROW((void)kept_in(nan, DataType::Float64, "input"));
}

}  // namespace
}  // namespace ompq::data
