#include "ompq/quant/slices.h"

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::quant {
namespace {

constexpr std::int64_t kMembers = 3;
constexpr std::int64_t kRows = 4;
constexpr std::int64_t kColumns = 5;

TEST(Slices, OfAStackCountMemberByMember) {
  const std::vector<std::int64_t> shape{kMembers, kRows, kColumns};
  const Slices columns = slices_of(shape, Granularity::along(2, 1));
  const Slices rows = slices_of(shape, Granularity::along(1, 1));
  EXPECT_EQ(columns.total(), kMembers * kColumns);
  EXPECT_EQ(columns.slice_elements(), kRows);
  EXPECT_EQ(rows.total(), kMembers * kRows);
  for (std::int64_t m = 0; m < kMembers; ++m) {
    for (std::int64_t r = 0; r < kRows; ++r) {
      for (std::int64_t c = 0; c < kColumns; ++c) {
        const std::int64_t element = (m * kRows + r) * kColumns + c;
        EXPECT_EQ(columns.of(element), m * kColumns + c) << element;
        EXPECT_EQ(rows.of(element), m * kRows + r) << element;
      }
    }
  }
}

TEST(Slices, HaveRunsThatCoverEveryElementOnce) {
  const std::vector<std::int64_t> shape{2, 3, 4, 5};
  for (std::int64_t axis = 0; axis < 4; ++axis) {
    for (std::int64_t stacked = 0; stacked <= axis; ++stacked) {
      const Slices slices = slices_of(shape, Granularity::along(axis, stacked));
      std::int64_t next = 0;
      for_each_run(slices, [&](std::int64_t s, std::int64_t at, std::int64_t count) {
        EXPECT_EQ(at, next);
        for (std::int64_t i = at; i < at + count; ++i) EXPECT_EQ(slices.of(i), s) << i;
        next = at + count;
      });
      EXPECT_EQ(next, 2 * 3 * 4 * 5);
    }
  }
}

TEST(Slices, HandOutTheValuesOfOneSlice) {
  std::vector<float> values(2 * 3 * 4);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const std::vector<std::int64_t> shape{2, 3, 4};
  const Slices slices = slices_of(shape, Granularity::along(2, 1));
  std::vector<float> buffer;
  for (std::int64_t s = 0; s < slices.total(); ++s) {
    const auto own = slice_values(values, slices, s, buffer);
    ASSERT_EQ(own.size(), 3U);
    for (const float value : own) EXPECT_EQ(slices.of(static_cast<std::int64_t>(value)), s);
  }
}

TEST(Slices, RefuseMoreStackedAxesThanStandBefore) {
  const std::vector<std::int64_t> shape{2, 3, 4};
  EXPECT_THROW((void)slices_of(shape, Granularity::along(1, 2)), ShapeError);
}

TEST(Quantize, GivesEachMatrixOfAStackWhatItGetsAlone) {
  Tensor stack(DataType::Float32, {2, 6, 3});
  float value = 0.1F;
  for (float& element : stack.mutable_data<float>()) {
    value = value * -1.07F;
    element = value;
  }
  const ChooseOptions whole{.bits = BitWidth(4), .granularity = Granularity::along(2, 1)};
  const ChooseOptions alone{.bits = BitWidth(4), .granularity = Granularity::along(1)};
  const Tensor rounded = fake_quantize(stack, choose_qparams(stack, whole));
  for (std::size_t m = 0; m < 2; ++m) {
    const auto part = stack.data<float>().subspan(m * 18, 18);
    const Tensor matrix = Tensor::from({6, 3}, std::vector<float>(part.begin(), part.end()));
    const Tensor expected = fake_quantize(matrix, choose_qparams(matrix, alone));
    for (std::size_t i = 0; i < 18; ++i) {
      EXPECT_EQ(rounded.data<float>()[m * 18 + i], expected.data<float>()[i]) << m << ", " << i;
    }
  }
}

}  // namespace
}  // namespace ompq::quant
