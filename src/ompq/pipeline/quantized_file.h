#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/pipeline/model.h"
#include "ompq/rounding/network_codes.h"

namespace ompq::pipeline {

/// What a file that `quantize` or `finetune` wrote says of its float network, read back.
struct QuantizedFile {
  std::vector<int> weight_bits;                     ///< one a layer; kFloatBits: float
  std::vector<std::optional<int>> activation_bits;  ///< one a layer; none: float
  rounding::NetworkCodes codes;                     ///< values are those of Model::graph
  std::string budget;  ///< that the widths answered, FileMetadata::budget
};

/// Reads `file`, made of `model`. Weights are those of the file to the bit; a scale may be a
/// multiple of the one that was written where a channel does not use all of its levels.
/// @throws as load_model; ConfigError if the file was made of another network, or by something
/// else.
[[nodiscard]] QuantizedFile read_quantized_file(const Model& model,
                                                const std::filesystem::path& file);

/// The coarsest short step that all of `values` are multiples of, with 0 among 2^bits levels around
/// them: 1 for zeros alone. Nothing if there is none.
[[nodiscard]] std::optional<float> common_step(const std::vector<float>& values, int bits);

}  // namespace ompq::pipeline
