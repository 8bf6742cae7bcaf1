#include "ompq/onnx_io/tensor_proto.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"

namespace ompq::onnx_io {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor tensor_from(const std::string& text) {
  onnx::TensorProto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return read_tensor(proto, "initializer 't'", {.name = "net.onnx"});
}

std::string tensor_refusal(const std::string& text) {
  try {
    (void)tensor_from(text);
  } catch (const ImportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

struct TypedField {
  int onnx_type;
  DataType type;
  std::string field;
};

TEST(ReadTensor, ReadsEveryElementTypeFromItsField) {
  const std::vector<TypedField> fields{{1, DataType::Float32, "float_data: [1, 0, 3]"},
                                       {11, DataType::Float32, "double_data: [1, 0, 3]"},
                                       {3, DataType::Int8, "int32_data: [1, 0, 3]"},
                                       {2, DataType::UInt8, "int32_data: [1, 0, 3]"},
                                       {5, DataType::Int16, "int32_data: [1, 0, 3]"},
                                       {4, DataType::UInt16, "int32_data: [1, 0, 3]"},
                                       {6, DataType::Int32, "int32_data: [1, 0, 3]"},
                                       {12, DataType::UInt32, "uint64_data: [1, 0, 3]"},
                                       {7, DataType::Int64, "int64_data: [1, 0, 3]"},
                                       {13, DataType::UInt64, "uint64_data: [1, 0, 3]"}};
  for (const TypedField& row : fields) {
    const Tensor tensor =
        tensor_from("dims: 3 data_type: " + std::to_string(row.onnx_type) + " " + row.field);
    EXPECT_EQ(tensor.type(), row.type);
    EXPECT_THAT(tensor.to_floats(), ElementsAre(1, 0, 3)) << name_of(row.type);
  }
  EXPECT_THAT(tensor_from("dims: 3 data_type: 9 int32_data: [1, 0, 7]").data<bool>(),
              ElementsAre(true, false, true));
}

TEST(ReadTensor, ReadsRawBytes) {
  EXPECT_THAT(tensor_from(R"(dims: 2 data_type: 1 raw_data: "\000\000\200\077\000\000\000\300")")
                  .data<float>(),
              ElementsAre(1.0F, -2.0F));
  EXPECT_THAT(tensor_from(R"(dims: 2 data_type: 9 raw_data: "\377\000")").data<bool>(),
              ElementsAre(true, false));
  EXPECT_EQ(tensor_from(R"(dims: 0 data_type: 7 raw_data: "")").elements(), 0);
}

TEST(ReadTensor, WidensHalfFloatsOfEveryKind) {
  const std::string half = std::to_string(float_to_half(-1.5F));
  const std::string bfloat = std::to_string(float_to_bfloat16(-1.5F));
  EXPECT_THAT(tensor_from("dims: 1 data_type: 10 int32_data: " + half).data<float>(),
              ElementsAre(-1.5F));
  EXPECT_THAT(tensor_from("dims: 1 data_type: 16 int32_data: " + bfloat).data<float>(),
              ElementsAre(-1.5F));
}

TEST(ReadTensor, ReadsFourBitsFromRawBytesWithTheFirstElementInTheLowHalf) {
  const Tensor read = tensor_from(R"(data_type: 22 dims: 5 raw_data: "\x18\xF7\x05")");
  ASSERT_EQ(read.type(), DataType::Int8);
  EXPECT_THAT(read.to_int64s(), ElementsAre(-8, 1, 7, -1, 5));
}

TEST(ReadTensor, ReadsFourBitsFromIntegersThatHoldAByteEach) {
  const Tensor read = tensor_from("data_type: 21 dims: [2, 2] int32_data: [248, 3]");
  ASSERT_EQ(read.type(), DataType::UInt8);
  EXPECT_THAT(read.to_int64s(), ElementsAre(8, 15, 3, 0));
}

TEST(ReadTensor, ReadsTwoBitsWithTheFirstElementInTheLowestOnes) {
  const Tensor read = tensor_from(R"(data_type: 26 dims: 5 raw_data: "\xB4\x01")");
  ASSERT_EQ(read.type(), DataType::Int8);
  EXPECT_THAT(read.to_int64s(), ElementsAre(0, 1, -1, -2, 1));
  const Tensor codes = tensor_from("data_type: 25 dims: [2, 2] int32_data: [180]");
  ASSERT_EQ(codes.type(), DataType::UInt8);
  EXPECT_THAT(codes.to_int64s(), ElementsAre(0, 1, 3, 2));
}

TEST(ReadTensor, NeedsAsManyElementsAsItsShape) {
  EXPECT_THAT(tensor_refusal("data_type: 1 dims: [2, 3] float_data: [1, 2, 3, 4, 5]"),
              HasSubstr("[net.onnx] initializer 't' has 5 elements, but its shape 2x3 requires 6"));
  EXPECT_THAT(tensor_refusal(R"(data_type: 4 dims: 1 raw_data: "abcd")"),
              HasSubstr("has 2 elements, but its shape 1 requires 1"));
  EXPECT_THAT(tensor_refusal(R"(data_type: 22 dims: 5 raw_data: "\x18\xF7")"),
              HasSubstr("has 4 elements, but its shape 5 requires 5"));
  EXPECT_THAT(tensor_refusal("data_type: 21 dims: 2 int32_data: [1, 2]"),
              HasSubstr("has 4 elements, but its shape 2 requires 2"));
  EXPECT_THAT(tensor_refusal(R"(data_type: 26 dims: 5 raw_data: "\x18")"),
              HasSubstr("has 4 elements, but its shape 5 requires 5"));
  EXPECT_THAT(tensor_refusal("data_type: 1 dims: -3"), HasSubstr("has the invalid shape -3"));
}

TEST(ReadTensor, NamesTypesAndFormsThatAreNotSupported) {
  EXPECT_THAT(tensor_refusal("data_type: 8"),
              HasSubstr("initializer 't' has elements of string, which ompq does not support"));
  EXPECT_THAT(tensor_refusal("data_type: 1 segment { begin: 0 end: 1 }"),
              HasSubstr("is stored in segments; save it as one tensor"));
}

TEST(DataTypes, HaveNumbersInOnnxAndBack) {
  std::set<int> numbers;
  for (int i = 0; i <= static_cast<int>(DataType::Bool); ++i) {
    const auto type = static_cast<DataType>(i);
    const int number = data_type_to_onnx(type);
    EXPECT_TRUE(numbers.insert(number).second) << name_of(type);
    EXPECT_EQ(data_type_from_onnx(number), type);
    EXPECT_EQ(onnx_type_name(number), name_of(type));
  }
  EXPECT_EQ(data_type_to_onnx(DataType::Float32), onnx::TensorProto::FLOAT);
  EXPECT_EQ(data_type_to_onnx(DataType::UInt8), onnx::TensorProto::UINT8);
  for (const int foreign : {0, 8, 14, 21, 22, 25, 26, 42})
    EXPECT_FALSE(data_type_from_onnx(foreign));
  EXPECT_EQ(onnx_type_name(8), "string");
  EXPECT_EQ(onnx_type_name(22), "int4");
  EXPECT_EQ(onnx_type_name(42), "type 42");
  EXPECT_EQ(onnx_type_name(25), "uint2");
  for (const int four : {21, 22}) EXPECT_EQ(narrow_bits(four), 4);
  for (const int two : {25, 26}) EXPECT_EQ(narrow_bits(two), 2);
  for (const int other : {3, 23, 24, 27}) EXPECT_EQ(narrow_bits(other), 0);
}

TEST(Widened, IsFloat32ForOtherFloatsAlone) {
  for (const DataType type : {DataType::Float16, DataType::BFloat16, DataType::Float64}) {
    EXPECT_EQ(widened(type), DataType::Float32);
  }
  for (const DataType type : {DataType::Float32, DataType::Int8, DataType::Int64, DataType::Bool}) {
    EXPECT_EQ(widened(type), type);
  }
  EXPECT_THAT(widened(Tensor::from<double>({1}, {0.5})).data<float>(), ElementsAre(0.5F));
}

TEST(WriteTensor, IsReadBackInEveryType) {
  for (int i = 0; i <= static_cast<int>(DataType::Bool); ++i) {
    const auto type = static_cast<DataType>(i);
    const Tensor tensor = Tensor::from<std::int64_t>({3, 1}, {1, 0, 1}).converted_to(type);
    const onnx::TensorProto proto = write_tensor(tensor, "t");
    EXPECT_EQ(proto.name(), "t");
    EXPECT_EQ(proto.data_type(), data_type_to_onnx(type));
    EXPECT_TRUE(read_tensor(proto, "t", {}).equals(widened(tensor))) << name_of(type);
  }
  EXPECT_EQ(read_tensor(write_tensor(Tensor(DataType::Int64, {0, 4}), "t"), "t", {}).shape(),
            (std::vector<std::int64_t>{0, 4}));
}

TEST(WriteTensor, TakesAByteForASmallInteger) {
  const Tensor small = Tensor::from<std::int64_t>({4}, {0, 1, 2, 127});
  EXPECT_EQ(write_tensor(small, "").int64_data_size(), 4);
  EXPECT_FALSE(write_tensor(small, "").has_raw_data());
  const Tensor negative = Tensor::from<std::int64_t>({2}, {-1, 1});
  const Tensor large = Tensor::from<std::int64_t>({1}, {std::int64_t{1} << 60});
  for (const Tensor& tensor : {negative, large}) {
    EXPECT_EQ(write_tensor(tensor, "").raw_data().size(), tensor.bytes().size());
    EXPECT_TRUE(read_tensor(write_tensor(tensor, ""), "t", {}).equals(tensor));
  }
}

TEST(WriteNarrowTensor, PacksTwoElementsOfFourBitsInAByte) {
  const Tensor codes = Tensor::from<std::int8_t>({5}, {-8, 1, 7, -1, 5});
  const onnx::TensorProto proto = write_narrow_tensor(codes, "w", 4);
  EXPECT_EQ(proto.data_type(), 22);
  EXPECT_EQ(proto.raw_data(), "\x18\xF7\x05");
  EXPECT_TRUE(read_tensor(proto, "w", {}).equals(codes));
  const Tensor levels = Tensor::from<std::uint8_t>({2, 2}, {8, 15, 3, 0});
  EXPECT_EQ(write_narrow_tensor(levels, "w", 4).data_type(), 21);
  EXPECT_TRUE(read_tensor(write_narrow_tensor(levels, "w", 4), "w", {}).equals(levels));
}

TEST(WriteNarrowTensor, PacksFourElementsOfTwoBitsInAByte) {
  const Tensor codes = Tensor::from<std::int8_t>({5}, {0, 1, -1, -2, 1});
  const onnx::TensorProto proto = write_narrow_tensor(codes, "w", 2);
  EXPECT_EQ(proto.data_type(), 26);
  EXPECT_EQ(proto.raw_data(), "\xB4\x01");
  EXPECT_TRUE(read_tensor(proto, "w", {}).equals(codes));
  const Tensor levels = Tensor::from<std::uint8_t>({2, 2}, {0, 3, 2, 1});
  EXPECT_EQ(write_narrow_tensor(levels, "w", 2).data_type(), 25);
  EXPECT_TRUE(read_tensor(write_narrow_tensor(levels, "w", 2), "w", {}).equals(levels));
}

TEST(WriteNarrowTensor, NamesAnElementThatDoesNotFit) {
  const auto error_of_codes = [](const Tensor& tensor, int bits = 4) {
    try {
      (void)write_narrow_tensor(tensor, "w", bits);
    } catch (const InternalError& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_THAT(error_of_codes(Tensor::from<std::int8_t>({2}, {7, 8})),
              AllOf(HasSubstr("'w' has the element 8"), HasSubstr("4 bits")));
  EXPECT_THAT(error_of_codes(Tensor::from<std::int8_t>({1}, {-9})), HasSubstr("element -9"));
  EXPECT_THAT(error_of_codes(Tensor::from<std::uint8_t>({1}, {16})), HasSubstr("element 16"));
  EXPECT_THAT(error_of_codes(Tensor::from<std::int8_t>({1}, {2}), 2),
              AllOf(HasSubstr("element 2,"), HasSubstr("2 bits")));
  EXPECT_THAT(error_of_codes(Tensor::scalar(1.0F)), HasSubstr("'w' has no codes of 4 bits"));
}

}  // namespace
}  // namespace ompq::onnx_io
