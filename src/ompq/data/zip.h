#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

struct zip;  // of libzip

namespace ompq::data {

/// Reads members of a zip archive, stored or deflated. Only the member that is asked for is held in
/// memory.
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
  void check(const Member& member) const;

  std::string name_;
  std::uint64_t file_bytes_ = 0;
  std::unique_ptr<zip, void (*)(zip*)> archive_;
  std::vector<Member> members_;
};

struct ZipEntry {
  std::string name;
  std::string bytes;
};
/// A zip archive with its members stored, not deflated; equal entries give equal bytes.
[[nodiscard]] std::string zip_stored(const std::vector<ZipEntry>& entries);

}  // namespace ompq::data
