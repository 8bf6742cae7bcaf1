#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ompq/data/image.h"

namespace ompq::data {

/// Image files below one directory, in a fixed order.
struct ImageFiles {
  std::filesystem::path root;
  std::vector<std::string> names;    ///< relative to root
  std::vector<std::int32_t> labels;  ///< one per name, or none

  /// @throws DataError or FileError naming the file.
  [[nodiscard]] Image read(std::int64_t index) const;
};

/// True for .jpg, .jpeg and .png in any case, unless hidden.
[[nodiscard]] bool is_image_file(const std::filesystem::path& file);

/// Images that lie in `root` itself, sorted by name, without labels.
[[nodiscard]] ImageFiles list_flat(const std::filesystem::path& root);
/// Each folder of `root` is a class, numbered in the order of names; its images lie at any depth.
[[nodiscard]] ImageFiles list_class_folders(const std::filesystem::path& root);
/// What `root`/labels.csv lists, in its order: `file,label` a line, files relative to root, labels
/// whole numbers from 0; a first line that says just "file,label" is a heading. A field may be in
/// double quotes.
/// @param missing_are_broken leaves a missing file to be found when it is read.
/// @throws DataError naming the line: more or fewer columns, a bad number, a missing file.
[[nodiscard]] ImageFiles list_labelled(const std::filesystem::path& root, bool missing_are_broken);

}  // namespace ompq::data
