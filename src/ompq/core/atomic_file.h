#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ompq {

/// The file that `path` leads to through symbolic links, which may not be there yet; `path` itself
/// where it is no link. @throws FileError for links that lead in a circle.
[[nodiscard]] std::filesystem::path link_target(const std::filesystem::path& path);

/// Writes `bytes` next to `target` and renames it into place, so that `target` is either the old
/// file or the whole new one. A symbolic link stays, and the file that it leads to is replaced.
/// @throws FileError naming the path and the reason (no such folder, read-only, disk full); nothing
/// remains.
void write_file_atomically(const std::filesystem::path& target, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& target, std::string_view text);

/// One of several files that belong together.
struct NewFile {
  std::filesystem::path target;
  std::string_view bytes;
};

/// Writes all of `files` next to their targets, and only once each of them is whole renames them
/// into place in the order given: the one that refers to the others goes last.
/// @throws FileError as write_file_atomically; what was not renamed by then stays as it was.
void write_files_atomically(std::span<const NewFile> files);

/// The whole file. @throws FileError if it cannot be read.
[[nodiscard]] std::string read_file(const std::filesystem::path& source);

/// Lower-case hexadecimal SHA-256 of `bytes` (FIPS 180-4).
[[nodiscard]] std::string sha256(std::string_view bytes);

}  // namespace ompq
