#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct zip;  // of libzip

namespace ompq::data {

/// Reads members of a zip archive, stored or deflated. Only the requested member is in memory. The
/// sizes of the members that are read are limited by the archive's (core/memory_limit.h).
class ZipReader {
 public:
  struct Member {
    std::string name;
    std::uint64_t index = 0;  ///< in the archive
    std::uint64_t bytes = 0;
    std::uint64_t packed_bytes = 0;
    std::uint16_t method = 0;
    bool encrypted = false;
  };

  /// @throws DataError naming the file if it is not a zip archive or its directory is damaged.
  explicit ZipReader(const std::filesystem::path& file);
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }
  /// The member's bytes, checked against its CRC. @throws DataError if it is damaged, encrypted or
  /// compressed with another method.
  [[nodiscard]] std::string read(const Member& member);

 private:
  [[noreturn]] void fail(const std::string& reason) const;
  void read_directory();
  void check(const Member& member);
  void count(const Member& member);

  std::string name_;
  std::uint64_t file_bytes_ = 0;
  std::unique_ptr<zip, void (*)(zip*)> archive_;
  std::vector<Member> members_;
  std::map<std::uint64_t, std::int64_t> unpacked_;  ///< bytes of the members that were read
};

struct ZipEntry {
  std::string name;
  std::string bytes;
};
/// Writes a zip archive with its members stored, not deflated. Equal entries give equal bytes.
[[nodiscard]] std::string zip_stored(const std::vector<ZipEntry>& entries);

}  // namespace ompq::data
