#include "ompq/ops/aten_bridge.h"

#include <gtest/gtest.h>

namespace ompq::ops {
namespace {

TEST(AtenBridge, CarriesEveryTypeThereAndBack) {
  for (const DataType type : {DataType::Float32,
                              DataType::Float16,
                              DataType::BFloat16,
                              DataType::Float64,
                              DataType::Int8,
                              DataType::UInt8,
                              DataType::Int16,
                              DataType::UInt16,
                              DataType::Int32,
                              DataType::UInt32,
                              DataType::Int64,
                              DataType::UInt64,
                              DataType::Bool}) {
    const Tensor original =
        Tensor::from<std::int64_t>({2, 3}, {0, 1, 0, 1, 100, 1}).converted_to(type);
    const Tensor back = from_aten(to_aten(original), type);
    EXPECT_TRUE(back.equals(original)) << name_of(type);
  }
}

TEST(AtenBridge, SharesBytesUntilTheTensorIsWrittenTo) {
  Tensor tensor = Tensor::from<float>({3}, {1, 2, 3});
  const at::Tensor view = to_aten(tensor);
  EXPECT_EQ(view.data_ptr(), static_cast<const void*>(tensor.bytes().data()));
  tensor.mutable_data<float>()[0] = 7;
  EXPECT_EQ(view[0].item<float>(), 1.0F);
}

TEST(AtenBridge, KeepsBytesAliveBeyondTheTensor) {
  at::Tensor view;
  {
    const Tensor tensor = Tensor::from<float>({3}, {1, 2, 3});
    view = to_aten(tensor);
  }
  EXPECT_EQ(view.sum().item<float>(), 6.0F);
}

TEST(AtenBridge, WritesRowsWhateverTheMemoryFormat) {
  const at::Tensor image = at::arange(24, at::kFloat).reshape({1, 2, 3, 4});
  const Tensor plain = from_aten(image);
  EXPECT_TRUE(from_aten(image.contiguous(at::MemoryFormat::ChannelsLast)).equals(plain));
}

TEST(AtenBridge, CopesWithScalarsAndNothing) {
  EXPECT_EQ(to_aten(Tensor::scalar(2.5F)).item<float>(), 2.5F);
  EXPECT_EQ(from_aten(at::scalar_tensor(3, at::kLong)).to_int64s(), std::vector<std::int64_t>{3});
  const Tensor none(DataType::Float32, {0, 4});
  EXPECT_TRUE(from_aten(to_aten(none)).equals(none));
}

}  // namespace
}  // namespace ompq::ops
