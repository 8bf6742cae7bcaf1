#include "ompq/data/image_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/atomic_file.h"
#include "ompq/data/decode_image.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 10> kExtensions{
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff"};

/// Image files below `folder`, without clutter; names are relative to `root`.
void collect(const fs::path& folder, ImageFiles& files, std::vector<std::string>& names) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const bool clutter = is_clutter(entry.path());
    const std::string name = entry.path().lexically_relative(files.root).string();
    if (entry.is_directory()) {
      if (!clutter) collect(entry.path(), files, names);
    } else if (entry.is_regular_file() && is_image_file(entry.path())) {
      names.push_back(name);
    } else {
      files.left_out.add(name);
    }
  }
}

}  // namespace

void LeftOut::add(std::string name) {
  constexpr std::size_t kShown = 3;
  ++count;
  if (examples.size() < kShown) examples.push_back(std::move(name));
}

std::string LeftOut::sentence(const fs::path& root) const {
  if (count == 0) return {};
  return fmt::format("{} file{} of {} {} and {} left out: {}{}",
                     count,
                     count == 1 ? "" : "s",
                     root.string(),
                     count == 1 ? "is hidden or not an image" : "are hidden or not images",
                     count == 1 ? "was" : "were",
                     fmt::join(examples, ", "),
                     count > static_cast<std::int64_t>(examples.size()) ? ", ..." : "");
}

Image ImageFiles::read(std::int64_t index) const {
  const fs::path file = root / names[static_cast<std::size_t>(index)];
  return decode_image(read_file(file), file.string());
}

bool is_clutter(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.') || name == "__MACOSX";
}

bool is_image_file(const fs::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return !is_clutter(file) &&
         std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

ImageFiles list_flat(const fs::path& root) {
  ImageFiles files{root, {}, {}};
  for (const auto& entry : fs::directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::string name = entry.path().filename().string();
    if (is_image_file(entry.path())) {
      files.names.push_back(std::move(name));
    } else {
      files.left_out.add(std::move(name));
    }
  }
  std::sort(files.names.begin(), files.names.end());
  return files;
}

ImageFiles list_class_folders(const fs::path& root) {
  std::vector<fs::path> folders;
  ImageFiles files{root, {}, {}};
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_directory()) {
      if (!is_clutter(entry.path())) folders.push_back(entry.path());
    } else {
      files.left_out.add(entry.path().filename().string());
    }
  }
  std::sort(folders.begin(), folders.end());
  for (std::size_t label = 0; label < folders.size(); ++label) {
    std::vector<std::string> names;
    collect(folders[label], files, names);
    std::sort(names.begin(), names.end());
    files.names.insert(files.names.end(), names.begin(), names.end());
    files.labels.values.resize(files.names.size(), static_cast<std::int32_t>(label));
  }
  return files;
}

}  // namespace ompq::data
