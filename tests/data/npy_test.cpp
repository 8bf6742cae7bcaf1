#include "ompq/data/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/npy_bytes.h"
#include "ompq/core/error.h"
#include "ompq/data/byte_order.h"
#include "support/peak_memory.h"

namespace ompq::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::npy_bytes;

std::string npy_error(const std::string& bytes) {
  try {
    (void)parse_npy(bytes, "a.npz, array x");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Npy, HasTheBytesThatNumpyWrites) {
  const std::string bytes = to_npy(Tensor::from<float>({2}, {1.F, -2.F}));
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(bytes.substr(10, header.size()), header);
  EXPECT_EQ(bytes.substr(10 + header.size(), 127 - 10 - header.size()),
            std::string(127 - 10 - header.size(), ' '));
  EXPECT_EQ(bytes.substr(127), std::string("\n\x00\x00\x80\x3f\x00\x00\x00\xc0", 9));
}

TEST(Npy, GivesBackEveryTypeAndRank) {
  for (const auto& shape : {std::vector<std::int64_t>{}, {6}, {2, 3}, {1, 2, 3}, {0, 4}}) {
    const std::int64_t count = element_count(shape);
    std::vector<std::int64_t> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(i % 2);
    const Tensor integers = Tensor::from<std::int64_t>(shape, values);
    for (const DataType type : {DataType::Float32,
                                DataType::Float16,
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
      const Tensor tensor = integers.converted_to(type);
      EXPECT_TRUE(parse_npy(to_npy(tensor), "x").equals(tensor))
          << name_of(type) << " " << shape_text(shape);
    }
  }
  EXPECT_THROW((void)to_npy(Tensor(DataType::BFloat16, {1})), DataError);
}

TEST(Npy, ReadsVersionTwo) {
  const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n";
  std::string bytes("\x93NUMPY\x02\x00", 8);
  append_little_endian(bytes, static_cast<std::uint32_t>(header.size()));
  const Tensor tensor = parse_npy(bytes + header + "abc", "x");
  EXPECT_EQ(tensor.data<std::uint8_t>()[2], 'c');
}

TEST(Npy, SaysWhatItCannotRead) {
  EXPECT_THAT(npy_error("hello"), HasSubstr("[a.npz, array x] is not a NumPy array"));
  const auto error_of_type = [](const std::string& descr) {
    return npy_error(
        npy_bytes("{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,), }", "abcd"));
  };
  EXPECT_THAT(error_of_type("'|O'"), AllOf(HasSubstr("Python objects"), HasSubstr("(|O)")));
  EXPECT_THAT(error_of_type("'<U1'"), HasSubstr("text"));
  EXPECT_THAT(error_of_type("'<c8'"), HasSubstr("complex numbers"));
  EXPECT_THAT(error_of_type("'<M8[ns]'"), HasSubstr("dates"));
  EXPECT_THAT(error_of_type("'<f16'"), HasSubstr("not numbers of 1 to 8 bytes"));
  EXPECT_THAT(error_of_type("[('a', '<f4')]"), HasSubstr("records of several fields"));
  EXPECT_THAT(npy_error(npy_bytes("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }", "abcd")),
              HasSubstr("fortran_order is not a bool"));
  EXPECT_THAT(
      npy_error(npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "abcd")),
      HasSubstr("has 4 bytes; 2 elements of float32 need 8"));
  EXPECT_THAT(
      npy_error(npy_bytes(
          "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "abcd")),
      HasSubstr("an array of shape 4611686018427387904x4 cannot exist"));
  EXPECT_THAT(npy_error(npy_bytes("{'descr': '<f4', 'shape': (1,), }", "abcd")),
              HasSubstr("no fortran_order"));
  EXPECT_THAT(
      npy_error(npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "")),
      HasSubstr("not a list of extents"));
  EXPECT_THAT(npy_error(std::string("\x93NUMPY\x01\x00\xff\x7f{'descr", 17)),
              HasSubstr("truncated"));
}

TEST(Npy, ReadsTheHighestByteFirst) {
  const std::string header = "'fortran_order': False, 'shape': (2,), }";
  const Tensor shorts =
      parse_npy(npy_bytes("{'descr': '>i2', " + header, {"\x01\x02\xff\xfe", 4}), "x");
  EXPECT_THAT(shorts.to_int64s(), ::testing::ElementsAre(0x0102, -2));
  const Tensor floats = parse_npy(
      npy_bytes("{'descr': '>f4', " + header, {"\x3f\x80\x00\x00\xc0\x00\x00\x00", 8}), "x");
  EXPECT_THAT(floats.to_floats(), ::testing::ElementsAre(1, -2));
  const Tensor doubles =
      parse_npy(npy_bytes("{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }",
                          {"\x3f\xf8\x00\x00\x00\x00\x00\x00", 8}),
                "x");
  EXPECT_THAT(doubles.to_floats(), ::testing::ElementsAre(1.5));
}

TEST(Npy, BringsFortranOrderIntoCOrder) {
  // Element (i, j, k) of 2 x 3 x 2 holds 100 i + 10 j + k; the first index runs fastest in the
  // file.
  std::string data;
  for (int k = 0; k < 2; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) {
        append_little_endian(data, static_cast<std::uint16_t>(100 * i + 10 * j + k));
      }
    }
  }
  const Tensor tensor = parse_npy(
      npy_bytes("{'descr': '<u2', 'fortran_order': True, 'shape': (2, 3, 2), }", data), "x");
  EXPECT_THAT(tensor.shape(), ::testing::ElementsAre(2, 3, 2));
  EXPECT_THAT(tensor.to_int64s(),
              ::testing::ElementsAre(0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121));
  const Tensor empty =
      parse_npy(npy_bytes("{'descr': '<u2', 'fortran_order': True, 'shape': (0, 3), }", ""), "x");
  EXPECT_EQ(empty.elements(), 0);
}

TEST(Npy, RefusesTextsThatTakeMuchMoreThanTheFile) {
  const std::string bytes =
      testing::npy_bytes("{'descr': '|S1', 'fortran_order': False, 'shape': (20971520,), }",
                         std::string(20 << 20, 'a'));
  std::string message;
  const std::int64_t peak = ::ompq::testing::peak_growth([&] {
    try {
      (void)parse_npy_text(bytes, "y.npy");
    } catch (const DataError& error) {
      message = error.what();
    }
  });
  EXPECT_THAT(message, ::testing::HasSubstr("an array of 20971520 texts needs 660 MiB"));
  EXPECT_LT(peak, std::int64_t{50} << 20);
}

TEST(Npy, ReadsTextOfBothKindsAndOrders) {
  const std::string bytes = npy_bytes("{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }",
                                      std::string("cat"
                                                  "7\0\0",
                                                  6));
  EXPECT_THAT(parse_npy_text(bytes, "y"), ::testing::ElementsAre("cat", "7"));
  const std::string little = npy_bytes("{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }",
                                       std::string("\xe9\0\0\0\x0d\xf6\x01\0", 8));
  EXPECT_THAT(parse_npy_text(little, "y"), ::testing::ElementsAre("\xc3\xa9\xf0\x9f\x98\x8d"));
  const std::string big = npy_bytes("{'descr': '>U1', 'fortran_order': False, 'shape': (1,), }",
                                    std::string("\0\0\0A", 4));
  EXPECT_THAT(parse_npy_text(big, "y"), ::testing::ElementsAre("A"));
  EXPECT_THROW((void)parse_npy_text(to_npy(Tensor::scalar(1.F)), "y"), DataError);
}

}  // namespace
}  // namespace ompq::data
