#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace ompq::data {

/// Checks if writing `output` would replace a sample or labels of the folder `source`: images, .npy
/// files, labels.csv and the files that it lists, IDX and CIFAR-10 files, at any depth and in every
/// split, also through symbolic or hard links.
/// @return the name of that file in the source; nullopt if there is none, `output` does not exist
/// yet, or `source` is not a folder.
[[nodiscard]] std::optional<std::filesystem::path> source_file(const std::filesystem::path& source,
                                                               const std::filesystem::path& output);

/// The files of a folder of samples, sorted; the source itself if it is a file.
[[nodiscard]] std::vector<std::filesystem::path> sample_files(const std::filesystem::path& source);

}  // namespace ompq::data
