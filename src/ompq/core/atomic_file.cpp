#include "ompq/core/atomic_file.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/error.h"
#include "ompq/core/unfinished_file.h"

namespace ompq {
namespace fs = std::filesystem;

fs::path link_target(const fs::path& path) {
  constexpr int kMaxLinks = 40;  // the limit of the Linux kernel
  fs::path target = path;
  std::error_code code;
  for (int links = 0; fs::is_symlink(target, code); ++links) {
    if (links == kMaxLinks) {
      throw FileError(path.string(), "its symbolic links form a cycle; choose another path");
    }
    target = target.parent_path() / fs::read_symlink(target, code);
  }
  return target;
}

namespace {

/// Refuses to replace anything but a regular file: rename() would replace a device or a pipe, too.
void require_regular(const fs::path& target) {
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return;
  throw FileError(target.string(),
                  fmt::format("is a {}, not a regular file; choose another path",
                              S_ISDIR(status.st_mode) ? "folder" : "device, a pipe or a socket"));
}

/// For mkstemp(): the target's name and six characters, or part of it if that is too long for a
/// name.
std::string temporary_name(const fs::path& target) {
  constexpr std::size_t kLongest = 240;  // of 255, the limit of Linux
  return (target.parent_path() / (target.filename().string().substr(0, kLongest) + ".XXXXXX"))
      .string();
}

/// A temporary file next to the target, deleted unless it is committed.
class PendingFile {
 public:
  explicit PendingFile(const fs::path& target)
      : target_(link_target(target)), file_(temporary_name(target_)) {
    require_regular(target_);
    descriptor_ = ::mkstemp(file_.name());
    if (descriptor_ < 0) fail("cannot write next to it", errno);
  }
  ~PendingFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!committed_) ::unlink(file_.name());
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("cannot write", errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  /// Flushes the file to disk under its temporary name.
  void finish() {
    // mkstemp creates the file with mode 0600.
    if (::fchmod(descriptor_, mode()) != 0) fail("cannot set its mode", errno);
    if (::fsync(descriptor_) != 0) fail("cannot write to the disk", errno);
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail("cannot write", errno);
  }

  void commit() {
    if (::rename(file_.name(), target_.c_str()) != 0) fail("cannot rename into place", errno);
    committed_ = true;
  }

 private:
  /// The mode of the file that is replaced, or that of a new file.
  [[nodiscard]] mode_t mode() const {
    struct stat status {};
    if (::stat(target_.c_str(), &status) == 0) return status.st_mode & 0777U;
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666U & ~mask;
  }

  [[noreturn]] void fail(std::string_view what, int code) const {
    throw FileError(
        target_.string(),
        fmt::format("{}: {}; choose another path or free some space", what, std::strerror(code)));
  }

  fs::path target_;
  UnfinishedFile file_;
  int descriptor_ = -1;
  bool committed_ = false;
};

}  // namespace

void write_files_atomically(std::span<const NewFile> files) {
  std::deque<PendingFile> pending;
  for (const NewFile& file : files) {
    pending.emplace_back(file.target).write(std::as_bytes(std::span(file.bytes)));
    pending.back().finish();
  }
  for (PendingFile& file : pending) file.commit();
}

void write_file_atomically(const fs::path& target, std::span<const std::byte> bytes) {
  PendingFile file(target);
  file.write(bytes);
  file.finish();
  file.commit();
}

void write_file_atomically(const fs::path& target, std::string_view text) {
  write_file_atomically(target, std::as_bytes(std::span(text)));
}

std::string read_file(const fs::path& source, std::size_t most_from_pipe) {
  std::error_code code;
  if (fs::is_directory(source, code)) {
    throw FileError(source.string(), "is a directory, not a file");
  }
  std::ifstream stream(source, std::ios::binary);
  if (!stream) {
    throw FileError(source.string(), fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  std::string text;
  const bool is_pipe = !fs::is_regular_file(source, code);
  const auto size = fs::file_size(source, code);
  if (!code) text.reserve(size);
  // Not by `<<`, which ends without an error if there is no memory for more.
  std::vector<char> buffer(std::size_t{1} << 16);
  while (stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
    if (is_pipe && text.size() > most_from_pipe) {
      throw FileError(source.string(),
                      fmt::format("is a pipe or device that gives more than {}; give a file",
                                  format_bytes(static_cast<std::int64_t>(most_from_pipe))));
    }
  }
  if (stream.bad()) {
    throw FileError(source.string(), "a read error occurred before the end of the file");
  }
  return text;
}

}  // namespace ompq
