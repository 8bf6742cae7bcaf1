#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq {

/// The state from which long work resumes after an interruption: named tensors, and what they
/// depend on.
struct NamedTensors {
  std::string format;  ///< the kind of state and its version: "ompq-finetune/1"
  std::string
      fingerprint;  ///< of inputs that must be the same to resume, such as the model and the data
  /// Options that must be the same to resume; names as the user writes them ("--lr"), values as
  /// text.
  std::vector<std::pair<std::string, std::string>> options;
  std::string metadata;                                 ///< JSON or any other text, stored unparsed
  std::vector<std::pair<std::string, Tensor>> tensors;  ///< names are unique
};

/// Writes the state atomically. Layout, little-endian: a magic word, each text and tensor with its
/// length, and the SHA-256 of all bytes before it.
/// @throws FileError as write_file_atomically (an old file is kept); ConfigError if two tensors
/// have the same name.
void write_named_tensors(const std::filesystem::path& file, const NamedTensors& content);

/// @throws FileError if the file cannot be read; DataError naming it and the reason: it is not such
/// a file, is truncated or damaged, or has another format than `format`.
[[nodiscard]] NamedTensors read_named_tensors(const std::filesystem::path& file,
                                              std::string_view format);

/// True if the file starts with the magic word of write_named_tensors(), in any version, even if it
/// is truncated.
/// @throws FileError if it cannot be read.
[[nodiscard]] bool is_named_tensors_file(const std::filesystem::path& file);

/// Why the run `now` cannot resume from the stored state: "another model, bit-widths or samples",
/// or every option that differs with both values; "" if it can resume.
/// @param now  fingerprint and options of this run.
[[nodiscard]] std::string difference_of_runs(const NamedTensors& stored, const NamedTensors& now);

/// The tensor of that name. @throws DataError naming `file` if there is none.
[[nodiscard]] const Tensor& tensor_named(const std::filesystem::path& file,
                                         const NamedTensors& content,
                                         std::string_view name);

}  // namespace ompq
