#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace ompq::onnx_io {

/// Where a model came from: what errors call it, and the folder that external data may lie in.
struct ModelPlace {
  std::string name;
  std::optional<std::filesystem::path> folder;
  std::set<std::filesystem::path>* data_files = nullptr;  ///< if given: gets those that were read
  /// Where the model's own file lies, if `name` is a link to it, as in a cache of downloads.
  std::optional<std::filesystem::path> linked_folder{};
};

}  // namespace ompq::onnx_io
