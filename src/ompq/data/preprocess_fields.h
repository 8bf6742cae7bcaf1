#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "ompq/data/preprocess.h"

namespace ompq::data {

/// Reads fields of one JSON object; errors name the file and the field.
class PreprocessFields {
 public:
  PreprocessFields(const std::filesystem::path& file, const nlohmann::json& object)
      : file_(file.string()), object_(object) {}

  [[nodiscard]] const std::string& file() const { return file_; }
  /// @throws DataError with the value of `field` and the rule that it breaks.
  [[noreturn]] void fail(std::string_view field, std::string_view rule) const;

  /// Null if the field is missing or null.
  [[nodiscard]] const nlohmann::json* find(std::string_view field) const;
  [[nodiscard]] bool has(std::string_view field) const { return find(field) != nullptr; }
  void require_known(std::span<const std::string_view> known) const;

  // The field's value, or the fallback if it is missing or null. @throws DataError for a value of
  // another type.
  [[nodiscard]] double number(std::string_view field, double fallback) const;
  [[nodiscard]] bool flag(std::string_view field, bool fallback) const;
  [[nodiscard]] std::string text(std::string_view field, std::string_view fallback) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view field) const;
  [[nodiscard]] std::optional<std::int64_t> pixels(std::string_view field) const;

 private:
  std::string file_;
  const nlohmann::json& object_;
};

/// True for an object of an image processor of Hugging Face's transformers.
[[nodiscard]] bool is_image_processor(const PreprocessFields& fields);
[[nodiscard]] Preprocess from_image_processor(const PreprocessFields& fields);

/// True for a pretrained_cfg of timm.
[[nodiscard]] bool is_pretrained_cfg(const PreprocessFields& fields);
[[nodiscard]] Preprocess from_pretrained_cfg(const PreprocessFields& fields);

}  // namespace ompq::data
