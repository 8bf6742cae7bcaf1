#include "ompq/pipeline/file_metadata.h"

#include <algorithm>

#include "ompq/allocation/cost_model.h"

namespace ompq::pipeline {
namespace {

using Metadata = std::map<std::string, std::string>;

constexpr const char* kVersionKey = "ompq.version";
constexpr const char* kHashKey = "ompq.float_sha256";
constexpr const char* kWeightsKey = "ompq.weight_bits";
constexpr const char* kActivationsKey = "ompq.activation_bits";
constexpr const char* kTargetKey = "ompq.target";
constexpr char kFloat = 'f';

std::string digits_of(const std::vector<int>& widths) {
  std::string text;
  for (const int width : widths) {
    text += width == allocation::kFloatBits ? kFloat : static_cast<char>('0' + width);
  }
  return text;
}

bool all_same(const std::string& text) {
  return !text.empty() && text.find_first_not_of(text.front()) == std::string::npos;
}

std::optional<std::vector<int>> widths_from(const std::string& text) {
  std::vector<int> widths;
  for (const char letter : text) {
    const bool digit = letter >= '1' && letter <= '8';
    if (!digit && letter != kFloat) return std::nullopt;
    widths.push_back(digit ? letter - '0' : allocation::kFloatBits);
  }
  return widths;
}

std::string entry(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

}  // namespace

Metadata to_metadata(const FileMetadata& note) {
  const std::string activations = digits_of(note.activation_bits);
  Metadata metadata{
      {kVersionKey, note.version},
      {kHashKey, note.float_sha256},
      {kWeightsKey, digits_of(note.weight_bits)},
      {kActivationsKey, all_same(activations) ? activations.substr(0, 1) : activations}};
  if (!note.budget.empty()) metadata[kBudgetKey] = note.budget;
  if (!note.target.empty()) metadata[kTargetKey] = note.target;
  return metadata;
}

std::optional<FileMetadata> read_file_metadata(const Metadata& metadata) {
  const auto weights = widths_from(entry(metadata, kWeightsKey));
  auto activations = widths_from(entry(metadata, kActivationsKey));
  FileMetadata note{.version = entry(metadata, kVersionKey),
                    .float_sha256 = entry(metadata, kHashKey),
                    .weight_bits = weights.value_or(std::vector<int>{}),
                    .budget = entry(metadata, kBudgetKey),
                    .target = entry(metadata, kTargetKey)};
  if (note.version.empty() || note.float_sha256.empty() || note.weight_bits.empty() ||
      !activations) {
    return std::nullopt;
  }
  if (activations->size() == 1) activations->resize(note.weight_bits.size(), activations->front());
  if (activations->size() != note.weight_bits.size()) return std::nullopt;
  note.activation_bits = std::move(*activations);
  return note;
}

}  // namespace ompq::pipeline
