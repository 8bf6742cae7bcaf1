#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace ompq::data {

/// Reads members of a zip archive, stored or deflated, including 64-bit sizes. Only the requested
/// member is in memory.
class ZipReader {
 public:
  struct Member {
    std::string name;
    std::uint16_t method = 0;
    std::uint32_t crc = 0;
    std::uint64_t packed_bytes = 0;
    std::uint64_t bytes = 0;
    std::uint64_t header_offset = 0;
  };

  /// @throws DataError naming the file if it is not a zip archive or its directory is damaged.
  explicit ZipReader(const std::filesystem::path& file);
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }
  /// The member's bytes, checked against its CRC. @throws DataError if it is damaged, encrypted or
  /// compressed with another method.
  [[nodiscard]] std::string read(const Member& member);

 private:
  struct Directory {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::uint64_t members = 0;
  };
  [[noreturn]] void fail(const std::string& reason) const;
  [[nodiscard]] std::string bytes_at(std::uint64_t offset, std::uint64_t count);
  [[nodiscard]] Directory find_directory();
  void read_directory(const Directory& directory);
  [[nodiscard]] std::string inflate(const std::string& packed, const Member& member) const;

  std::string name_;
  std::ifstream stream_;
  std::uint64_t file_bytes_ = 0;
  std::vector<Member> members_;
};

struct ZipEntry {
  std::string name;
  std::string bytes;
};
/// Writes a zip archive with its members stored, not deflated.
/// @throws DataError if the archive would exceed 4 GiB.
[[nodiscard]] std::string zip_stored(const std::vector<ZipEntry>& entries);

}  // namespace ompq::data
