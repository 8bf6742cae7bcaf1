#include "ompq/training/operands.h"

#include <vector>

#include <gtest/gtest.h>

namespace ompq::training {
namespace {

TEST(InLayout, ChangesImagesOnly) {
  const at::Tensor image = at::arange(24, at::kFloat).view({1, 2, 3, 4});
  EXPECT_TRUE(in_layout(image).is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(in_layout(image), image));
  const at::Tensor rows = image.view({6, 4}).t();
  EXPECT_EQ(in_layout(rows).strides(), rows.strides());
}

TEST(UnifyTypes, WidensBfloat16NextToFloat32) {
  const at::Tensor narrow = at::ones({2}, at::kBFloat16);
  const at::Tensor wide = at::ones({2}, at::kFloat);
  const at::Tensor index = at::ones({2}, at::kLong);
  std::vector<at::Tensor> mixed{narrow, at::Tensor(), wide, index};
  unify_types(mixed);
  EXPECT_EQ(mixed[0].scalar_type(), at::kFloat);
  EXPECT_FALSE(mixed[1].defined());
  EXPECT_EQ(mixed[3].scalar_type(), at::kLong);
  std::vector<at::Tensor> all_narrow{narrow, index};
  unify_types(all_narrow);
  EXPECT_EQ(all_narrow[0].scalar_type(), at::kBFloat16);
}

}  // namespace
}  // namespace ompq::training
