#include "ompq/core/atomic_file.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ompq/core/error.h"

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

/// A temporary file next to the target, deleted unless it is committed.
class PendingFile {
 public:
  explicit PendingFile(const fs::path& target) : target_(link_target(target)) {
    name_ = target_.string() + ".XXXXXX";
    descriptor_ = ::mkstemp(name_.data());
    if (descriptor_ < 0) fail("cannot write next to it", errno);
  }
  ~PendingFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!committed_) ::unlink(name_.c_str());
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
    const mode_t mask = ::umask(0);
    ::umask(mask);
    // mkstemp creates the file with mode 0600; set the mode that a new file would have.
    if (::fchmod(descriptor_, 0666 & ~mask) != 0) fail("cannot set its mode", errno);
    if (::fsync(descriptor_) != 0) fail("cannot write to the disk", errno);
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail("cannot write", errno);
  }

  void commit() {
    if (::rename(name_.c_str(), target_.c_str()) != 0) fail("cannot rename into place", errno);
    committed_ = true;
  }

 private:
  [[noreturn]] void fail(std::string_view what, int code) const {
    throw FileError(
        target_.string(),
        fmt::format("{}: {}; choose another path or free some space", what, std::strerror(code)));
  }

  fs::path target_;
  std::string name_;
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

std::string read_file(const fs::path& source) {
  std::error_code code;
  if (fs::is_directory(source, code)) {
    throw FileError(source.string(), "is a directory, not a file");
  }
  std::ifstream stream(source, std::ios::binary);
  if (!stream) {
    throw FileError(source.string(), fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  std::ostringstream text;
  text << stream.rdbuf();
  if (stream.bad())
    throw FileError(source.string(), "a read error occurred before the end of the file");
  return std::move(text).str();
}

}  // namespace ompq
