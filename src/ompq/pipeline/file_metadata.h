#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ompq::pipeline {

/// What a quantized file says of its making, in its metadata_props. Widths are one a layer of the
/// float network, in the order in which `inspect` lists them; allocation::kFloatBits: float.
struct FileMetadata {
  std::string version;       ///< of ompq
  std::string float_sha256;  ///< of the float network's file
  std::vector<int> weight_bits;
  std::vector<int> activation_bits;  ///< of what each layer reads
  std::string budget;                ///< allocation::exact_text; empty: none was given
};

inline constexpr const char* kBudgetKey = "ompq.budget";

/// The entries "ompq.version", "ompq.float_sha256", "ompq.weight_bits", "ompq.activation_bits" and,
/// where there is one, "ompq.budget". Widths are a digit each, 'f' for float, and one digit alone
/// where all activations have the same: metadata is a part of the size that is promised.
[[nodiscard]] std::map<std::string, std::string> to_metadata(const FileMetadata& note);

/// Nothing where `metadata` lacks a version, hash or width, or holds none that reads.
[[nodiscard]] std::optional<FileMetadata> read_file_metadata(
    const std::map<std::string, std::string>& metadata);

}  // namespace ompq::pipeline
