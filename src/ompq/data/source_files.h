#pragma once

#include <filesystem>
#include <optional>

namespace ompq::data {

/// Whether writing `output` would replace a sample or labels of the folder `source`: images, .npy
/// files, labels.csv and what that lists, IDX and CIFAR-10 files, at any depth and in every split,
/// also where one is a symbolic or a hard link to the other.
/// @return the name of that file in the source. Nothing where there is none, where `output` does
/// not exist yet, or where `source` is no folder.
[[nodiscard]] std::optional<std::filesystem::path> source_file(const std::filesystem::path& source,
                                                               const std::filesystem::path& output);

}  // namespace ompq::data
