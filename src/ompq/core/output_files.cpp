#include "ompq/core/output_files.h"

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"

namespace ompq {
namespace {

namespace fs = std::filesystem;

/// Compares device and inode if both files exist, and absolute paths otherwise.
bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code code;
  if (fs::exists(a, code) && fs::exists(b, code)) return fs::equivalent(a, b, code);
  // A relative name of which no part exists stays relative in weakly_canonical().
  const auto whole = [&](const fs::path& file) {
    return fs::weakly_canonical(fs::absolute(link_target(file), code), code);
  };
  return whole(a) == whole(b);
}

std::string_view kind_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::regular:
      return "file";
    case fs::file_type::directory:
      return "folder";
    case fs::file_type::fifo:
      return "named pipe";
    case fs::file_type::character:
    case fs::file_type::block:
      return "device";
    case fs::file_type::socket:
      return "socket";
    default:
      return "special file";
  }
}

/// True for /dev/stdout, /proc/self/fd/3 and the like: links in /proc to files that are open, which
/// a new file cannot replace for those who write to them.
bool names_open_file(fs::path file) {
  std::error_code code;
  while (fs::is_symlink(file, code)) {
    const fs::path folder = fs::canonical(fs::absolute(file, code).parent_path(), code);
    if (folder.string().starts_with("/proc/")) return true;
    file = folder / fs::read_symlink(file, code);
  }
  return false;
}

void check_kind(const NamedFile& file) {
  std::error_code code;
  const fs::file_type type = fs::status(file.path, code).type();
  if (type == fs::file_type::regular && names_open_file(file.path)) {
    throw ConfigError(file.name,
                      fmt::format("'{}' names an open file; give the name of the file itself",
                                  file.path.string()));
  }
  const auto expected = file.is_folder ? fs::file_type::directory : fs::file_type::regular;
  const bool free = type == expected || type == fs::file_type::not_found ||
                    type == fs::file_type::none || type == fs::file_type::unknown;
  if (free) return;
  throw ConfigError(file.name,
                    fmt::format("'{}' is a {}, not a {}; give the name of a {}",
                                file.path.string(),
                                kind_of(type),
                                file.is_folder ? "folder" : "regular file",
                                file.is_folder ? "folder" : "file"));
}

void check_folder(const NamedFile& file) {
  const fs::path parent = link_target(file.path).parent_path();
  fs::path folder = parent.empty() ? fs::path(".") : parent;
  std::error_code code;
  // A folder is made with those that it is in.
  while (file.is_folder && !fs::exists(folder, code)) {
    folder = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  }
  if (!fs::exists(folder, code)) {
    throw FileError(
        file.name,
        fmt::format(
            "'{}' cannot be written: there is no folder '{}'; create it, or choose another path",
            file.path.string(),
            folder.string()));
  }
  if (!fs::is_directory(folder, code)) {
    throw FileError(file.name,
                    fmt::format("'{}' cannot be written: '{}' is not a folder; choose another path",
                                file.path.string(),
                                folder.string()));
  }
  const auto refuse = [&](int reason) {
    throw FileError(file.name,
                    fmt::format("'{}' cannot be written: {}; choose another path",
                                file.path.string(),
                                std::error_code(reason, std::generic_category()).message()));
  };
  if (::access(folder.c_str(), W_OK | X_OK) != 0) refuse(errno);
  const long longest = ::pathconf(folder.c_str(), _PC_NAME_MAX);
  const std::string name = link_target(file.path).filename().string();
  if (longest > 0 && name.size() > static_cast<std::size_t>(longest)) refuse(ENAMETOOLONG);
  // rename() would replace a file that its owner has protected.
  if (::access(file.path.c_str(), W_OK) != 0 && errno != ENOENT) refuse(errno);
}

}  // namespace

void check_output_files(std::span<const NamedFile> written, std::span<const NamedFile> read) {
  for (std::size_t i = 0; i < written.size(); ++i) {
    const NamedFile& file = written[i];
    for (const NamedFile& source : read) {
      if (!is_same_file(file.path, source.path)) continue;
      throw ConfigError(file.name,
                        fmt::format("'{}' is the same file as {} ('{}'), which is read and would "
                                    "be overwritten; give another name",
                                    file.path.string(),
                                    source.name,
                                    source.path.string()));
    }
    check_kind(file);
    check_folder(file);
    for (const NamedFile& other : written.first(i)) {
      if (!is_same_file(file.path, other.path)) continue;
      throw ConfigError(
          file.name,
          fmt::format("'{}' is also {}; give each its own name", file.path.string(), other.name));
    }
  }
}

}  // namespace ompq
