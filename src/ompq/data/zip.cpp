#include "ompq/data/zip.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <zlib.h>

#include "ompq/core/error.h"
#include "ompq/data/byte_order.h"

// Layout and field offsets: PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16.
namespace ompq::data {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kEnd64Locator = 0x07064b50;
constexpr std::uint64_t kLocalBytes = 30;
constexpr std::uint64_t kCentralBytes = 46;
constexpr std::uint64_t kEndBytes = 22;
constexpr std::uint64_t kEnd64Bytes = 56;
constexpr std::uint64_t kLocatorBytes = 20;
constexpr std::uint64_t kMaxComment = 0xffff;
constexpr std::uint32_t kIn64BitField = 0xffffffff;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;

/// Replaces sizes that do not fit into 32 bits by those of the 64-bit extra field, which has only
/// these, in this order.
void read_64_bit_field(std::string_view extra, ZipReader::Member& member) {
  constexpr std::uint16_t kId = 1;
  std::size_t at = 0;
  while (at + 4 <= extra.size()) {
    const auto id = little_endian<std::uint16_t>(extra, at);
    const std::size_t length = little_endian<std::uint16_t>(extra, at + 2);
    at += 4;
    if (id == kId) {
      const std::size_t end = std::min(at + length, extra.size());
      for (std::uint64_t* field : {&member.bytes, &member.packed_bytes, &member.header_offset}) {
        if (*field != kIn64BitField || at + 8 > end) continue;
        *field = little_endian<std::uint64_t>(extra, at);
        at += 8;
      }
      return;
    }
    at += length;
  }
}

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

ZipReader::ZipReader(const std::filesystem::path& file)
    : name_(file.string()), stream_(file, std::ios::binary) {
  if (!stream_) throw FileError(name_, "cannot be opened for reading");
  stream_.seekg(0, std::ios::end);
  file_bytes_ = static_cast<std::uint64_t>(stream_.tellg());
  read_directory(find_directory());
}

void ZipReader::fail(const std::string& reason) const {
  throw DataError(name_, fmt::format("the archive is broken: {}", reason));
}

std::string ZipReader::bytes_at(std::uint64_t offset, std::uint64_t count) {
  if (offset > file_bytes_ || count > file_bytes_ - offset) {
    fail(fmt::format(
        "it ends at byte {}; {} bytes at offset {} are missing", file_bytes_, count, offset));
  }
  std::string bytes(count, '\0');
  stream_.clear();
  stream_.seekg(static_cast<std::streamoff>(offset));
  stream_.read(bytes.data(), static_cast<std::streamsize>(count));
  if (!stream_) fail(fmt::format("{} bytes at offset {} cannot be read", count, offset));
  return bytes;
}

ZipReader::Directory ZipReader::find_directory() {
  const std::uint64_t length = std::min(file_bytes_, kEndBytes + kMaxComment);
  const std::string tail = bytes_at(file_bytes_ - length, length);
  std::string signature;
  append_little_endian(signature, kEnd);
  const std::size_t found = tail.rfind(signature);
  if (found == std::string::npos || found + kEndBytes > tail.size()) {
    fail("there is no directory at its end; it may be truncated");
  }
  Directory directory{little_endian<std::uint32_t>(tail, found + 16),
                      little_endian<std::uint32_t>(tail, found + 12),
                      little_endian<std::uint16_t>(tail, found + 10)};
  const std::uint64_t end_offset = file_bytes_ - length + found;
  if (end_offset < kLocatorBytes) return directory;
  const std::string locator = bytes_at(end_offset - kLocatorBytes, kLocatorBytes);
  if (little_endian<std::uint32_t>(locator, 0) != kEnd64Locator) return directory;
  const std::string end64 = bytes_at(little_endian<std::uint64_t>(locator, 8), kEnd64Bytes);
  if (little_endian<std::uint32_t>(end64, 0) != kEnd64) fail("its 64-bit directory is missing");
  return {little_endian<std::uint64_t>(end64, 48),
          little_endian<std::uint64_t>(end64, 40),
          little_endian<std::uint64_t>(end64, 32)};
}

void ZipReader::read_directory(const Directory& directory) {
  const std::string bytes = bytes_at(directory.offset, directory.bytes);
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < directory.members; ++i) {
    if (at + kCentralBytes > bytes.size() ||
        little_endian<std::uint32_t>(bytes, at) != kCentralHeader) {
      fail(fmt::format("entry {} of {} in its directory is damaged", i, directory.members));
    }
    const std::size_t name_bytes = little_endian<std::uint16_t>(bytes, at + 28);
    const std::size_t extra_bytes = little_endian<std::uint16_t>(bytes, at + 30);
    const std::size_t comment_bytes = little_endian<std::uint16_t>(bytes, at + 32);
    const std::size_t name_at = at + kCentralBytes;
    if (name_at + name_bytes + extra_bytes > bytes.size()) {
      fail(fmt::format("the name of entry {} runs past its directory", i));
    }
    Member member{bytes.substr(name_at, name_bytes),
                  little_endian<std::uint16_t>(bytes, at + 10),
                  little_endian<std::uint32_t>(bytes, at + 16),
                  little_endian<std::uint32_t>(bytes, at + 20),
                  little_endian<std::uint32_t>(bytes, at + 24),
                  little_endian<std::uint32_t>(bytes, at + 42)};
    read_64_bit_field(std::string_view(bytes).substr(name_at + name_bytes, extra_bytes), member);
    members_.push_back(std::move(member));
    at = name_at + name_bytes + extra_bytes + comment_bytes;
  }
}

std::string ZipReader::read(const Member& member) {
  const std::string header = bytes_at(member.header_offset, kLocalBytes);
  if (little_endian<std::uint32_t>(header, 0) != kLocalHeader) {
    fail(fmt::format("member {} is not where the directory says", member.name));
  }
  if ((little_endian<std::uint16_t>(header, 6) & 1) != 0) {
    fail(fmt::format("member {} is encrypted", member.name));
  }
  const std::uint64_t begin = member.header_offset + kLocalBytes +
                              little_endian<std::uint16_t>(header, 26) +
                              little_endian<std::uint16_t>(header, 28);
  std::string bytes = bytes_at(begin, member.packed_bytes);
  if (member.method == kDeflated) {
    bytes = inflate(bytes, member);
  } else if (member.method != kStored) {
    fail(fmt::format(
        "member {} is compressed with method {}; only stored and deflated members are supported",
        member.name,
        member.method));
  }
  if (bytes.size() != member.bytes || crc_of(bytes) != member.crc) {
    fail(fmt::format("the bytes of member {} do not match its checksum", member.name));
  }
  return bytes;
}

std::string ZipReader::inflate(const std::string& packed, const Member& member) const {
  // The largest ratio of deflate; a directory that claims more is rejected before memory is
  // allocated.
  constexpr std::uint64_t kMaxRatio = 1032;
  if (member.bytes / kMaxRatio > packed.size() + 1) {
    fail(fmt::format("member {} cannot hold the {} bytes it claims", member.name, member.bytes));
  }
  std::string out(member.bytes, '\0');
  z_stream z{};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK) fail("zlib cannot start");
  constexpr std::size_t kMaxStep = std::numeric_limits<uInt>::max();
  std::size_t in_at = 0;
  std::size_t out_at = 0;
  int state = Z_OK;
  while (state == Z_OK) {
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + in_at));
    z.avail_in = static_cast<uInt>(std::min(kMaxStep, packed.size() - in_at));
    z.next_out = reinterpret_cast<Bytef*>(out.data() + out_at);
    z.avail_out = static_cast<uInt>(std::min(kMaxStep, out.size() - out_at));
    const uInt in_before = z.avail_in;
    const uInt out_before = z.avail_out;
    state = ::inflate(&z, Z_NO_FLUSH);
    in_at += in_before - z.avail_in;
    out_at += out_before - z.avail_out;
  }
  inflateEnd(&z);
  if (state != Z_STREAM_END || out_at != out.size()) {
    fail(fmt::format("member {} cannot be unpacked", member.name));
  }
  return out;
}

std::string zip_stored(const std::vector<ZipEntry>& entries) {
  std::string archive;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    const std::uint64_t offset = archive.size();
    if (offset + entry.bytes.size() >= kIn64BitField) {
      throw DataError("npz", "the arrays take more than 4 GiB; write fewer samples");
    }
    // The fields that both headers share: version, flags, method, time, date, CRC, sizes, names.
    std::string common;
    append_little_endian<std::uint16_t>(common, 20);
    append_little_endian<std::uint16_t>(common, 0);
    append_little_endian<std::uint16_t>(common, kStored);
    append_little_endian<std::uint16_t>(common, 0);
    append_little_endian<std::uint16_t>(
        common, (1 << 5) | 1);  // 1 January 1980, so that equal arrays give equal bytes
    append_little_endian(common, crc_of(entry.bytes));
    append_little_endian(common, static_cast<std::uint32_t>(entry.bytes.size()));
    append_little_endian(common, static_cast<std::uint32_t>(entry.bytes.size()));
    append_little_endian(common, static_cast<std::uint16_t>(entry.name.size()));
    append_little_endian<std::uint16_t>(common, 0);

    append_little_endian(archive, kLocalHeader);
    archive += common + entry.name + entry.bytes;

    append_little_endian(directory, kCentralHeader);
    append_little_endian<std::uint16_t>(directory, 20);
    directory += common;
    directory.append(10, '\0');  // comment length, disk, attributes
    append_little_endian(directory, static_cast<std::uint32_t>(offset));
    directory += entry.name;
  }
  const auto count = static_cast<std::uint16_t>(entries.size());
  const auto directory_offset = static_cast<std::uint32_t>(archive.size());
  archive += directory;
  append_little_endian(archive, kEnd);
  append_little_endian<std::uint32_t>(archive, 0);
  append_little_endian(archive, count);
  append_little_endian(archive, count);
  append_little_endian(archive, static_cast<std::uint32_t>(directory.size()));
  append_little_endian(archive, directory_offset);
  append_little_endian<std::uint16_t>(archive, 0);
  return archive;
}

}  // namespace ompq::data
