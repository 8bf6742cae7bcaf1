#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ompq/data/image.h"
#include "ompq/data/labels.h"

namespace ompq::data {

/// Files of a folder that are not samples.
struct LeftOut {
  std::int64_t count = 0;
  std::vector<std::string> examples = {};  ///< the first few, relative to the folder

  void add(std::string name);
  /// "3 files of photos are hidden or not images and left out: notes.txt, ..."; empty if there are
  /// none.
  [[nodiscard]] std::string sentence(const std::filesystem::path& root) const;
};

/// Image files below one directory, in a fixed order.
struct ImageFiles {
  std::filesystem::path root;
  std::vector<std::string> names;  ///< relative to root
  Labels labels;                   ///< one per name, or none
  LeftOut left_out = {};

  /// @throws DataError or FileError naming the file.
  [[nodiscard]] Image read(std::int64_t index) const;
};

/// True for the usual extensions of JPEG, PNG, WebP, BMP and TIFF in any case, unless hidden.
[[nodiscard]] bool is_image_file(const std::filesystem::path& file);
/// True for files that file managers and archivers add: hidden files and folders (.DS_Store,
/// ._photo.jpg, .ipynb_checkpoints) and __MACOSX.
[[nodiscard]] bool is_clutter(const std::filesystem::path& path);

/// Images directly in `root`, sorted by name, without labels.
[[nodiscard]] ImageFiles list_flat(const std::filesystem::path& root);
/// Each folder of `root` is a class, numbered in the order of names; its images may be at any
/// depth.
[[nodiscard]] ImageFiles list_class_folders(const std::filesystem::path& root);
/// The samples of `root`/labels.csv in its order: one `file,label` per line, files relative to
/// root, labels whole numbers from 0; a first line "file,label" is a header. A field may be in
/// double quotes. A label of any other form sets Labels::fault and is not an error.
/// @param missing_are_broken  report a missing file only when the sample is read.
/// @throws DataError naming the line: more or fewer columns, a missing file.
[[nodiscard]] ImageFiles list_labelled(const std::filesystem::path& root, bool missing_are_broken);

}  // namespace ompq::data
