#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace ompq {

/// A file that grows by whole records, such as a journal or a log: a record that cannot be written
/// completely is removed again. Files that are written at once are those of atomic_file.h.
class AppendFile {
 public:
  enum class Create { IfMissing, Always };
  /// Opens or creates the file, and follows symbolic links.
  /// @param remedy  ends the messages of this object: "choose another file with --journal".
  /// @throws FileError if it cannot be opened (or, with Create::Always, exists), or if it is not a
  /// regular file.
  AppendFile(std::filesystem::path path, Create create, std::string remedy);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&&) = delete;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Reserves the file for this process until it is closed; false if another one has it.
  [[nodiscard]] bool lock();
  /// The whole content. @throws FileError
  [[nodiscard]] std::string read() const;
  /// @throws FileError (disk full); the file is then as it was before.
  void append(std::string_view record);
  /// Waits until everything is on the disk. @throws FileError
  void flush_to_disk();
  /// Removes what follows the first `bytes`. @throws FileError
  void truncate(std::size_t bytes);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  [[noreturn]] void fail(std::string_view what, int code) const;

  std::filesystem::path path_;
  std::string remedy_;
  int file_ = -1;
  std::size_t bytes_ = 0;
};

/// Renames a file that must not be lost to NAME.1, or to the first such name that is free.
/// @return the new name. @throws FileError
[[nodiscard]] std::filesystem::path move_aside(const std::filesystem::path& file);

}  // namespace ompq
