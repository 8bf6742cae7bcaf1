#include "ompq/core/append_file.h"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ompq/core/error.h"

namespace ompq {
namespace fs = std::filesystem;

namespace {

int open_to_append(const fs::path& path, AppendFile::Create create) {
  // Without O_NONBLOCK, opening a pipe would wait for its reader.
  const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK;
  return ::open(path.c_str(), create == AppendFile::Create::Always ? flags | O_EXCL : flags, 0666);
}

/// All of `bytes` at the end of the file, or false with errno.
bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

AppendFile::AppendFile(fs::path path, Create create, std::string remedy)
    : path_(std::move(path)), remedy_(std::move(remedy)), file_(open_to_append(path_, create)) {
  if (file_ < 0) fail("cannot be opened", errno);
  struct stat status {};
  const int code = ::fstat(file_, &status) != 0 ? errno : 0;
  if (code != 0 || !S_ISREG(status.st_mode)) {
    ::close(std::exchange(file_, -1));
    if (code != 0) fail("cannot be opened", code);
    throw FileError(path_.string(), fmt::format("is not a regular file; {}", remedy_));
  }
  bytes_ = static_cast<std::size_t>(status.st_size);
}

AppendFile::~AppendFile() {
  if (file_ >= 0) ::close(file_);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)),
      remedy_(std::move(other.remedy_)),
      file_(std::exchange(other.file_, -1)),
      bytes_(other.bytes_) {}

void AppendFile::fail(std::string_view what, int code) const {
  throw FileError(path_.string(), fmt::format("{}: {}; {}", what, std::strerror(code), remedy_));
}

bool AppendFile::lock() { return ::flock(file_, LOCK_EX | LOCK_NB) == 0; }

std::string AppendFile::read() const {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::pread(file_, buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot be read", errno);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

void AppendFile::append(std::string_view record) {
  if (!write_all(file_, record)) {
    const int code = errno;
    // Best effort: the reader of the file drops an incomplete record.
    if (::ftruncate(file_, static_cast<off_t>(bytes_)) != 0) fail("cannot be written", code);
    fail("cannot be written", code);
  }
  bytes_ += record.size();
}

void AppendFile::flush_to_disk() {
  // Some file systems cannot flush, which is no error of this file.
  if (::fsync(file_) != 0 && errno != EINVAL) fail("cannot be written to the disk", errno);
}

void AppendFile::truncate(std::size_t bytes) {
  if (::ftruncate(file_, static_cast<off_t>(bytes)) != 0) fail("cannot be shortened", errno);
  bytes_ = bytes;
}

fs::path move_aside(const fs::path& file) {
  fs::path target;
  for (int i = 1; target.empty() || fs::exists(fs::symlink_status(target)); ++i) {
    target = fmt::format("{}.{}", file.string(), i);
  }
  std::error_code code;
  fs::rename(file, target, code);
  if (code) {
    throw FileError(file.string(),
                    fmt::format("cannot be moved to {}: {}", target.string(), code.message()));
  }
  return target;
}

}  // namespace ompq
