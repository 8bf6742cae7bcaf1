#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "ompq/core/memory_limit.h"

namespace ompq::onnx_io {

/// The bytes of the model's file and of its data files, each once, and those that its tensors read
/// of the latter: tensors may share bytes.
struct SourceBytes {
  std::int64_t model = 0;
  std::map<std::filesystem::path, std::int64_t> data_files{};
  std::int64_t read = 0;

  [[nodiscard]] std::int64_t total() const {
    std::int64_t bytes = model;
    for (const auto& [file, size] : data_files) bytes = saturated_sum(bytes, size);
    return bytes;
  }
};

/// Where a model came from: its name in errors, and the folder for external data.
struct ModelPlace {
  std::string name;
  std::optional<std::filesystem::path> folder;
  std::set<std::filesystem::path>* data_files =
      nullptr;  ///< if not null, receives the files that were read
  /// The folder of the model's file if `name` is a link to it, as in a cache of downloads.
  std::optional<std::filesystem::path> linked_folder{};
  SourceBytes* source = nullptr;  ///< if not null, counts what is read
};

}  // namespace ompq::onnx_io
