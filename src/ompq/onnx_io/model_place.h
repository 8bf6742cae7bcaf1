#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace ompq::onnx_io {

/// Where a model came from: its name in errors, and the folder for external data.
struct ModelPlace {
  std::string name;
  std::optional<std::filesystem::path> folder;
  std::set<std::filesystem::path>* data_files =
      nullptr;  ///< if not null, receives the files that were read
  /// The folder of the model's file if `name` is a link to it, as in a cache of downloads.
  std::optional<std::filesystem::path> linked_folder{};
};

}  // namespace ompq::onnx_io
