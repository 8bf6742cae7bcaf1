#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ompq {

/// Resolves the symbolic links of `path`, whose target need not exist; returns `path` itself if it
/// is not a link. @throws FileError if the links form a cycle.
[[nodiscard]] std::filesystem::path link_target(const std::filesystem::path& path);

/// Writes `bytes` next to `target` and renames it into place, so that `target` is either the old
/// file or the whole new one. A symbolic link is kept and its target is replaced; the mode of an
/// existing file is kept.
/// @throws FileError naming the path and the reason (no such folder, read-only, disk full, not a
/// regular file); no temporary file remains, also after remove_unfinished_files().
void write_file_atomically(const std::filesystem::path& target, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& target, std::string_view text);

/// One of several files that belong together.
struct NewFile {
  std::filesystem::path target;
  std::string_view bytes;
};

/// Writes all `files` next to their targets and, once all are complete, renames them into place in
/// the order given. List a file that refers to the others last.
/// @throws FileError as write_file_atomically; targets that were not yet renamed are unchanged.
void write_files_atomically(std::span<const NewFile> files);

/// The most that is read from a pipe or device, which may never end.
inline constexpr std::size_t kMostFromPipe = std::size_t{2} << 30;

/// The file's contents.
/// @param most_from_pipe  bytes; files on disk are not limited.
/// @throws FileError if it cannot be read.
[[nodiscard]] std::string read_file(const std::filesystem::path& source,
                                    std::size_t most_from_pipe = kMostFromPipe);

/// Lower-case hexadecimal SHA-256 of `bytes` (FIPS 180-4).
[[nodiscard]] std::string sha256(std::string_view bytes);

}  // namespace ompq
