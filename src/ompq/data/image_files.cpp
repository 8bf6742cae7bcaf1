#include "ompq/data/image_files.h"

#include <algorithm>
#include <cctype>

#include "ompq/core/atomic_file.h"

namespace ompq::data {
namespace {
namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }
}  // namespace

Image ImageFiles::read(std::int64_t index) const {
  const fs::path file = root / names[static_cast<std::size_t>(index)];
  return decode_image(read_file(file), file.string());
}

bool is_image_file(const fs::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return !is_hidden(file) && (extension == ".jpg" || extension == ".jpeg" || extension == ".png");
}

ImageFiles list_flat(const fs::path& root) {
  ImageFiles files{root, {}, {}};
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_regular_file() && is_image_file(entry.path())) {
      files.names.push_back(entry.path().filename().string());
    }
  }
  std::sort(files.names.begin(), files.names.end());
  return files;
}

ImageFiles list_class_folders(const fs::path& root) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_directory() && !is_hidden(entry.path())) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  ImageFiles files{root, {}, {}};
  for (std::size_t label = 0; label < folders.size(); ++label) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folders[label])) {
      if (entry.is_regular_file() && is_image_file(entry.path())) {
        names.push_back(entry.path().lexically_relative(root).string());
      }
    }
    std::sort(names.begin(), names.end());
    files.names.insert(files.names.end(), names.begin(), names.end());
    files.labels.resize(files.names.size(), static_cast<std::int32_t>(label));
  }
  return files;
}

}  // namespace ompq::data
