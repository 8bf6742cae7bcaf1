#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ompq/data/preprocess.h"

namespace ompq::data {

/// Reads {"format": "ompq-preprocess/1", ...}, Hugging Face's preprocessor_config.json of an image
/// processor, or timm's config.json with its pretrained_cfg (or that alone).
/// @throws DataError naming the file and the field that is invalid or not supported.
[[nodiscard]] Preprocess read_preprocess(const std::filesystem::path& file);
/// MODEL.onnx -> MODEL.preprocess.json
[[nodiscard]] std::filesystem::path preprocess_file(const std::filesystem::path& model);
/// The same, if that file exists.
[[nodiscard]] std::optional<std::filesystem::path> find_preprocess(
    const std::filesystem::path& model);
/// The JSON text of ompq-preprocess/1 that read_preprocess reads.
[[nodiscard]] std::string to_json(const Preprocess& preprocess);

}  // namespace ompq::data
