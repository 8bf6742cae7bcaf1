#include "ompq/data/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/array_source.h"
#include "ompq/data/byte_order.h"
#include "ompq/data/npy.h"
#include "ompq/data/zip.h"
#include "support/paths.h"

namespace ompq::data {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// .npy bytes with a header of our own.
std::string npy(const std::string& header, const std::string& data) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  append_little_endian(bytes, static_cast<std::uint16_t>(header.size()));
  return bytes + header + data;
}

std::string npy_error(const std::string& bytes) {
  try {
    (void)parse_npy(bytes, "a.npz, array x");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

std::string deflated(const std::string& bytes) {
  std::string packed(bytes.size() + 100, '\0');
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

struct ZipMember {
  std::string name;
  std::string bytes;
  bool deflate = false;
  bool in_64_bits = false;  ///< sizes stand in the extra field
};

/// An archive of one member, with the features that zip_stored does not use.
std::string zip_of(const ZipMember& member) {
  const std::string packed = member.deflate ? deflated(member.bytes) : member.bytes;
  const auto crc = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(member.bytes.data()), member.bytes.size()));
  std::string extra;
  if (member.in_64_bits) {
    append_little_endian<std::uint16_t>(extra, 1);
    append_little_endian<std::uint16_t>(extra, 16);
    append_little_endian<std::uint64_t>(extra, member.bytes.size());
    append_little_endian<std::uint64_t>(extra, packed.size());
  }
  std::string common;
  append_little_endian<std::uint16_t>(common, 45);
  append_little_endian<std::uint16_t>(common, 0);
  append_little_endian<std::uint16_t>(common, member.deflate ? 8 : 0);
  append_little_endian<std::uint32_t>(common, 0);
  append_little_endian(common, crc);
  const auto size = [&](const std::string& text) {
    return member.in_64_bits ? 0xffffffffU : static_cast<std::uint32_t>(text.size());
  };
  append_little_endian(common, size(packed));
  append_little_endian(common, size(member.bytes));
  append_little_endian(common, static_cast<std::uint16_t>(member.name.size()));
  append_little_endian(common, static_cast<std::uint16_t>(extra.size()));
  std::string archive = "PK\x03\x04" + common + member.name + extra + packed;
  const std::size_t directory_at = archive.size();
  archive += "PK\x01\x02" + std::string("\x2d\0", 2) + common + std::string(14, '\0') +
             member.name + extra;
  const std::size_t directory_bytes = archive.size() - directory_at;
  archive += std::string("PK\x05\x06\0\0\0\0\x01\0\x01\0", 12);
  append_little_endian(archive, static_cast<std::uint32_t>(directory_bytes));
  append_little_endian(archive, static_cast<std::uint32_t>(directory_at));
  archive += std::string(2, '\0');
  return archive;
}

std::string file_error(const std::string& bytes) {
  const TemporaryDirectory directory;
  testing::write_bytes(directory / "a.npz", bytes);
  try {
    (void)read_npz(directory / "a.npz");
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
        npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,), }", "abcd"));
  };
  EXPECT_THAT(error_of_type("'|O'"), AllOf(HasSubstr("Python objects"), HasSubstr("(|O)")));
  EXPECT_THAT(error_of_type("'<U1'"), HasSubstr("text"));
  EXPECT_THAT(error_of_type("'<c8'"), HasSubstr("complex numbers"));
  EXPECT_THAT(error_of_type("'<M8[ns]'"), HasSubstr("dates"));
  EXPECT_THAT(error_of_type("'<f16'"), HasSubstr("not numbers of 1 to 8 bytes"));
  EXPECT_THAT(error_of_type("[('a', '<f4')]"), HasSubstr("records of several fields"));
  EXPECT_THAT(npy_error(npy("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }", "abcd")),
              HasSubstr("fortran_order is not a bool"));
  EXPECT_THAT(npy_error(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "abcd")),
              HasSubstr("has 4 bytes; 2 elements of float32 need 8"));
  EXPECT_THAT(npy_error(npy("{'descr': '<f4', 'shape': (1,), }", "abcd")),
              HasSubstr("no fortran_order"));
  EXPECT_THAT(npy_error(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "")),
              HasSubstr("not a list of extents"));
  EXPECT_THAT(npy_error(std::string("\x93NUMPY\x01\x00\xff\x7f{'descr", 17)),
              HasSubstr("truncated"));
}

TEST(Npy, ReadsTheHighestByteFirst) {
  const std::string header = "'fortran_order': False, 'shape': (2,), }";
  const Tensor shorts = parse_npy(npy("{'descr': '>i2', " + header, {"\x01\x02\xff\xfe", 4}), "x");
  EXPECT_THAT(shorts.to_int64s(), ::testing::ElementsAre(0x0102, -2));
  const Tensor floats =
      parse_npy(npy("{'descr': '>f4', " + header, {"\x3f\x80\x00\x00\xc0\x00\x00\x00", 8}), "x");
  EXPECT_THAT(floats.to_floats(), ::testing::ElementsAre(1, -2));
  const Tensor doubles = parse_npy(npy("{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }",
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
  const Tensor tensor =
      parse_npy(npy("{'descr': '<u2', 'fortran_order': True, 'shape': (2, 3, 2), }", data), "x");
  EXPECT_THAT(tensor.shape(), ::testing::ElementsAre(2, 3, 2));
  EXPECT_THAT(tensor.to_int64s(),
              ::testing::ElementsAre(0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121));
  const Tensor empty =
      parse_npy(npy("{'descr': '<u2', 'fortran_order': True, 'shape': (0, 3), }", ""), "x");
  EXPECT_EQ(empty.elements(), 0);
}

TEST(Npy, ReadsTextOfBothKindsAndOrders) {
  const std::string bytes = npy("{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }",
                                std::string("cat"
                                            "7\0\0",
                                            6));
  EXPECT_THAT(parse_npy_text(bytes, "y"), ::testing::ElementsAre("cat", "7"));
  const std::string little = npy("{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }",
                                 std::string("\xe9\0\0\0\x0d\xf6\x01\0", 8));
  EXPECT_THAT(parse_npy_text(little, "y"), ::testing::ElementsAre("\xc3\xa9\xf0\x9f\x98\x8d"));
  const std::string big =
      npy("{'descr': '>U1', 'fortran_order': False, 'shape': (1,), }", std::string("\0\0\0A", 4));
  EXPECT_THAT(parse_npy_text(big, "y"), ::testing::ElementsAre("A"));
  EXPECT_THROW((void)parse_npy_text(to_npy(Tensor::scalar(1.F)), "y"), DataError);
}

TEST(NpzSource, ReadsNoMemberThatNobodyAsksFor) {
  const TemporaryDirectory directory;
  const std::string object =
      npy("{'descr': '|O', 'fortran_order': False, 'shape': (), }", "a pickle");
  const std::string x = to_npy(Tensor::from<float>({2}, {1.F, 2.F}));
  testing::write_bytes(
      directory / "a.npz",
      zip_stored({{"x.npy", x}, {"meta.npy", object}, {"__MACOSX/._x.npy", "resource fork"}}));
  const auto source = npz_source(directory / "a.npz");
  EXPECT_THAT(source->names(), ::testing::ElementsAre("__MACOSX/._x", "meta", "x"));
  EXPECT_THAT(source->read("x").to_floats(), ::testing::ElementsAre(1, 2));
  EXPECT_THROW((void)source->read("meta"), DataError);
}

TEST(Npz, GivesBackWhatWasWritten) {
  const TemporaryDirectory directory;
  const NamedArrays arrays{{"logits", Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
                           {"y", Tensor::from<std::int64_t>({2}, {7, 8})},
                           {"none", Tensor(DataType::Float32, {0, 5})}};
  write_npz(directory / "a.npz", arrays);
  const NamedArrays read = read_npz(directory / "a.npz");
  ASSERT_EQ(read.size(), 3U);
  for (const auto& [name, tensor] : arrays) EXPECT_TRUE(read.at(name).equals(tensor)) << name;
  write_npz(directory / "b.npz", arrays);
  EXPECT_EQ(read_file(directory / "a.npz"), read_file(directory / "b.npz"));
}

TEST(Npz, ReadsDeflatedMembersAnd64BitSizes) {
  const Tensor tensor(DataType::UInt8, {100, 32});
  for (const bool deflate : {false, true}) {
    for (const bool in_64_bits : {false, true}) {
      const TemporaryDirectory directory;
      testing::write_bytes(directory / "a.npz",
                           zip_of({"x.npy", to_npy(tensor), deflate, in_64_bits}));
      EXPECT_TRUE(read_npz(directory / "a.npz").at("x").equals(tensor))
          << deflate << " " << in_64_bits;
    }
  }
}

TEST(Npz, EveryCutIsBroken) {
  const std::string whole =
      zip_of({"x.npy", to_npy(Tensor(DataType::UInt8, {40, 9})), true, false});
  for (std::size_t kept = 0; kept < whole.size(); kept += 5) {
    EXPECT_THAT(file_error(whole.substr(0, kept)),
                AllOf(HasSubstr("a.npz"), HasSubstr("the archive is broken")))
        << kept << " of " << whole.size() << " bytes";
  }
}

TEST(Npz, EveryFlippedByteIsFoundOrHarmless) {
  const Tensor tensor = Tensor::from<float>({4}, {1, 2, 3, 4});
  const std::string whole = zip_of({"x.npy", to_npy(tensor), true, false});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const TemporaryDirectory directory;
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    testing::write_bytes(directory / "a.npz", damaged);
    try {
      const NamedArrays arrays = read_npz(directory / "a.npz");
      if (arrays.contains("x")) {
        EXPECT_TRUE(arrays.at("x").equals(tensor)) << "byte " << at;
      }
    } catch (const Error&) {  // named, as it should be
    }
  }
}

TEST(Npz, ChecksTheChecksum) {
  std::string bytes = zip_stored({{"x.npy", to_npy(Tensor::from<float>({1}, {1.F}))}});
  const std::size_t last_element = bytes.find("PK\x01\x02") - 1;
  bytes[last_element] = static_cast<char>(bytes[last_element] ^ 1);
  EXPECT_THAT(file_error(bytes), HasSubstr("do not match its checksum"));
}

TEST(Npz, AMemberThatClaimsTerabytesTakesNoMemory) {
  std::string bytes = zip_of({"x.npy", std::string(100, 'a'), true, false});
  const std::size_t directory = bytes.find("PK\x01\x02");
  bytes.replace(directory + 24, 4, "\xff\xff\xff\x7f");
  EXPECT_THAT(file_error(bytes), HasSubstr("cannot hold the 2147483647 bytes it claims"));
}

}  // namespace
}  // namespace ompq::data
