#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ompq::pipeline {

/// How a quantized file was made, from its metadata_props. Widths are one per layer of the float
/// network, in the order of `inspect`; allocation::kFloatBits: float.
struct FileMetadata {
  std::string version;       ///< of ompq
  std::string float_sha256;  ///< of the float network's file
  std::vector<int> weight_bits;
  std::vector<int> activation_bits;  ///< of each layer's input
  std::string budget;                ///< allocation::exact_text; empty: none
  std::string target;                ///< a row of targets::target_table(); empty: exact
};

inline constexpr const char* kBudgetKey = "ompq.budget";

/// The entries "ompq.version", "ompq.float_sha256", "ompq.weight_bits", "ompq.activation_bits" and,
/// if not empty, "ompq.budget" and "ompq.target". Widths are one digit each, 'f' for float; a
/// single digit if all activations have the same width. Metadata is part of the predicted size.
[[nodiscard]] std::map<std::string, std::string> to_metadata(const FileMetadata& note);

/// Nullopt if `metadata` has no version, hash or width, or an invalid one.
[[nodiscard]] std::optional<FileMetadata> read_file_metadata(
    const std::map<std::string, std::string>& metadata);

}  // namespace ompq::pipeline
