#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/pipeline/model.h"
#include "ompq/rounding/network_codes.h"

namespace ompq::pipeline {

/// The quantization read back from a file of `quantize` or `finetune`.
struct QuantizedFile {
  std::vector<int> weight_bits;                     ///< one per layer; kFloatBits: float
  std::vector<std::optional<int>> activation_bits;  ///< one per layer; nullopt: float
  rounding::NetworkCodes codes;                     ///< for values of Model::graph
  std::string budget;                               ///< of the widths, FileMetadata::budget
};

/// Reads `file`, made from `model`. Weights are bit-exact; a scale may be a multiple of the
/// original one if a channel does not use all of its levels.
/// @throws as load_model; ConfigError if the file was made from another network, or by another
/// program.
[[nodiscard]] QuantizedFile read_quantized_file(const Model& model,
                                                const std::filesystem::path& file);

/// The largest short scale of which all `values` are multiples within 2^bits levels including 0; 1
/// if all values are zero. Nullopt if there is none.
[[nodiscard]] std::optional<float> common_step(const std::vector<float>& values, int bits);

}  // namespace ompq::pipeline
