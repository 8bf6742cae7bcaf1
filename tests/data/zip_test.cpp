#include "ompq/data/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/sample_files.h"
#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/core/random.h"
#include "ompq/data/byte_order.h"
#include "support/paths.h"
#include "support/peak_memory.h"

namespace ompq::data {
namespace {

using ::ompq::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::HasSubstr;

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

/// Reads all members of an archive with these bytes. @return the message if that fails.
std::string archive_error(const std::string& bytes) {
  const TemporaryDirectory directory;
  testing::write_bytes(directory / "a.zip", bytes);
  try {
    ZipReader reader(directory / "a.zip");
    for (const ZipReader::Member& member : reader.members()) (void)reader.read(member);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ZipReader, ReadsDeflatedMembersAnd64BitSizes) {
  const std::string bytes(3200, 'x');
  for (const bool deflate : {false, true}) {
    for (const bool in_64_bits : {false, true}) {
      const TemporaryDirectory directory;
      testing::write_bytes(directory / "a.zip", zip_of({"x", bytes, deflate, in_64_bits}));
      ZipReader reader(directory / "a.zip");
      ASSERT_EQ(reader.members().size(), 1U);
      EXPECT_EQ(reader.members()[0].name, "x");
      EXPECT_EQ(reader.members()[0].bytes, bytes.size());
      EXPECT_EQ(reader.read(reader.members()[0]), bytes) << deflate << " " << in_64_bits;
    }
  }
}

TEST(ZipReader, FindsEveryCut) {
  const std::string whole = zip_of({"x", std::string(360, 'x'), true, false});
  for (std::size_t kept = 0; kept < whole.size(); ++kept) {
    EXPECT_THAT(archive_error(whole.substr(0, kept)),
                AllOf(HasSubstr("a.zip"), HasSubstr("the archive is broken")))
        << kept << " of " << whole.size() << " bytes";
  }
  EXPECT_EQ(archive_error(whole), "no error");
}

TEST(ZipReader, FindsEveryFlippedByteThatMatters) {
  const std::string content = "1234567812345678";
  const std::string whole = zip_of({"x", content, true, false});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const TemporaryDirectory directory;
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    testing::write_bytes(directory / "a.zip", damaged);
    try {
      ZipReader reader(directory / "a.zip");
      for (const ZipReader::Member& member : reader.members()) {
        EXPECT_EQ(reader.read(member), content) << "byte " << at;
      }
    } catch (const Error&) {  // refused, as it should be
    }
  }
}

TEST(ZipReader, ChecksTheChecksum) {
  std::string bytes = zip_stored({{"x", "content"}});
  const std::size_t last_byte = bytes.find("PK\x01\x02") - 1;
  bytes[last_byte] = static_cast<char>(bytes[last_byte] ^ 1);
  EXPECT_THAT(archive_error(bytes), HasSubstr("the bytes of member x do not match its checksum"));
}

TEST(ZipReader, AMemberThatClaimsTerabytesTakesNoMemory) {
  std::string bytes = zip_of({"x", std::string(100, 'a'), true, false});
  const std::size_t directory = bytes.find("PK\x01\x02");
  bytes.replace(directory + 24, 4, "\xff\xff\xff\x7f");
  EXPECT_THAT(archive_error(bytes), HasSubstr("cannot hold the 2147483647 bytes it claims"));
}

/// An archive of a deflated member of 320 kB, whose directory claims 300 MiB.
std::string archive_that_claims_much(const std::string& name) {
  std::string content(320'000, '\0');
  Random random(1);
  for (char& byte : content) byte = static_cast<char>(random.below(256));
  std::string bytes = zip_of({name, content, true, false});
  std::string size;
  append_little_endian<std::uint32_t>(size, 300 << 20);
  return bytes.replace(bytes.find("PK\x01\x02") + 24, 4, size);
}

TEST(ZipReader, AMemberThatWouldUnpackToMuchMoreThanTheArchiveIsRefused) {
  std::string message;
  const std::string bytes = archive_that_claims_much("x");
  const std::int64_t peak = ::ompq::testing::peak_growth([&] { message = archive_error(bytes); });
  EXPECT_THAT(message,
              AllOf(HasSubstr("unpacking member x needs 300 MiB, more than the limit of 256 MiB"),
                    HasSubstr("save the archive uncompressed")));
  EXPECT_LT(peak, std::int64_t{50} << 20);
  const MemoryLimit option(std::int64_t{400} << 20, true);
  EXPECT_THAT(archive_error(bytes), HasSubstr("member x cannot be unpacked")) << "it was tried";
}

TEST(ZipReader, NamesTheMemberThatItCannotRead) {
  const std::string whole = zip_of({"x", "content", false, false});
  const std::size_t directory = whole.find("PK\x01\x02");
  std::string encrypted = whole;
  encrypted[6] = encrypted[directory + 8] = 1;
  EXPECT_THAT(archive_error(encrypted), HasSubstr("member x is encrypted"));
  std::string other_method = whole;
  other_method[8] = other_method[directory + 10] = 12;  // bzip2
  EXPECT_THAT(archive_error(other_method), HasSubstr("member x is compressed with method 12"));
}

TEST(ZipReader, RefusesAFileThatIsNotThere) {
  const TemporaryDirectory directory;
  EXPECT_THROW(ZipReader(directory / "none.zip"), FileError);
}

TEST(ZipStored, HoldsItsEntriesInOrderAndUncompressed) {
  const std::vector<ZipEntry> entries{{"b", std::string(1000, 'b')}, {"a", ""}, {"c/d", "cd"}};
  const TemporaryDirectory directory;
  testing::write_bytes(directory / "a.zip", zip_stored(entries));
  ZipReader reader(directory / "a.zip");
  ASSERT_EQ(reader.members().size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(reader.members()[i].name, entries[i].name);
    EXPECT_EQ(reader.members()[i].packed_bytes, entries[i].bytes.size());
    EXPECT_EQ(reader.read(reader.members()[i]), entries[i].bytes);
  }
  EXPECT_EQ(zip_stored(entries), zip_stored(entries));
}

}  // namespace
}  // namespace ompq::data
