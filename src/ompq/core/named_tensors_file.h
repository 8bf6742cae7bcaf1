#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq {

/// What long work needs to go on after a kill: its tensors by name, and what they depend on.
struct NamedTensors {
  std::string format;       ///< whose they are, with a version: "ompq-finetune/1"
  std::string fingerprint;  ///< of what cannot change in between, such as the model and the data
  /// Choices that must be the same to go on; names as the user knows them ("--lr"), values as text.
  std::vector<std::pair<std::string, std::string>> options;
  std::string metadata;  ///< JSON text or any other; the file does not look into it
  std::vector<std::pair<std::string, Tensor>> tensors;  ///< names differ
};

/// Writes all of it atomically, with a checksum: little-endian, a magic word, then every text and
/// tensor with its length, then the SHA-256 of what comes before it.
/// @throws FileError as write_file_atomically (an old file stays); ConfigError for two tensors of
/// one name.
void write_named_tensors(const std::filesystem::path& file, const NamedTensors& content);

/// @throws FileError if the file cannot be read; DataError naming it and the reason: it is no such
/// file, is cut short, was changed, or is of another format than `format`.
[[nodiscard]] NamedTensors read_named_tensors(const std::filesystem::path& file,
                                              std::string_view format);

/// True for a file that begins as those of write_named_tensors() do, in any version, whole or not.
/// @throws FileError if it cannot be read.
[[nodiscard]] bool is_named_tensors_file(const std::filesystem::path& file);

/// Why `now` cannot go on with what was stored: "another model or other samples", or every option
/// that differs with both values; "" where it can.
/// @param now  fingerprint and options of this run.
[[nodiscard]] std::string difference_of_runs(const NamedTensors& stored, const NamedTensors& now);

/// The tensor of that name. @throws DataError naming `file` where there is none.
[[nodiscard]] const Tensor& tensor_named(const std::filesystem::path& file,
                                         const NamedTensors& content,
                                         std::string_view name);

}  // namespace ompq
