#include "ompq/data/source_files.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "ompq/core/error.h"
#include "ompq/data/image_files.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;

/// Device and inode of a path's target.
std::optional<std::pair<dev_t, ino_t>> identity_of_file(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return std::pair{status.st_dev, status.st_ino};
}

/// Decides by the name, as the openers of folders do.
bool is_source_name(const fs::path& file) {
  const std::string name = file.filename().string();
  if (is_image_file(file) || file.extension() == ".npy" || name == "labels.csv") return true;
  if (name == "test_batch.bin" || name.starts_with("data_batch_")) return true;
  return name.find("idx1") != std::string::npos || name.find("idx3") != std::string::npos;
}

/// Files listed in labels.csv may have any name and be anywhere.
std::optional<fs::path> listed_file(const fs::path& source, const std::pair<dev_t, ino_t>& wanted) {
  std::error_code code;
  if (!fs::exists(source / "labels.csv", code)) return std::nullopt;
  try {
    for (const std::string& name : list_labelled(source, true).names) {
      if (identity_of_file(source / name) == wanted) return source / name;
    }
  } catch (const Error&) {  // reported when the samples are opened
  }
  return std::nullopt;
}

}  // namespace

std::vector<fs::path> sample_files(const fs::path& source) {
  std::error_code code;
  if (fs::is_regular_file(source, code)) return {source};
  std::vector<fs::path> files;
  if (!fs::is_directory(source, code)) return files;
  fs::recursive_directory_iterator entry(
      source, fs::directory_options::skip_permission_denied, code);
  for (; !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
    if (is_source_name(entry->path())) files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::optional<fs::path> source_file(const fs::path& source, const fs::path& output) {
  const auto wanted = identity_of_file(output);
  std::error_code code;
  if (!wanted || !fs::is_directory(source, code)) return std::nullopt;
  fs::recursive_directory_iterator entry(
      source, fs::directory_options::skip_permission_denied, code);
  for (; !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
    if (!is_source_name(entry->path())) continue;
    if (identity_of_file(entry->path()) == wanted) return entry->path();
  }
  return listed_file(source, *wanted);
}

}  // namespace ompq::data
