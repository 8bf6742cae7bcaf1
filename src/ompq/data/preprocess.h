#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ompq::data {

/// value = (pixel * scale - mean) / std after resize (shorter side, antialiased) and centre crop.
/// mean and std are in units after the scale.
struct Preprocess {
  std::string channels = "rgb";  ///< "rgb", "bgr" or "gray"
  double scale = 1.0 / 255.0;
  std::vector<double> mean = {};  ///< in the order of `channels`, or one for all; empty: 0
  std::vector<double> std = {};   ///< in the order of `channels`, or one for all; empty: 1
  std::optional<std::int64_t> resize = {};  ///< length of the shorter side, in pixels
  std::optional<std::int64_t> crop = {};    ///< side of the centre square, in pixels
};

/// @throws ConfigError naming the field: unknown channels, scale or std of 0, a number of means
/// that is not that of the channels, a side outside of 1..16384.
void validate(const Preprocess& preprocess);

/// Reads {"format": "ompq-preprocess/1", ...}. @throws DataError naming the file and the field.
[[nodiscard]] Preprocess read_preprocess(const std::filesystem::path& file);
/// MODEL.onnx -> MODEL.preprocess.json
[[nodiscard]] std::filesystem::path preprocess_file(const std::filesystem::path& model);
/// The same, if it is there.
[[nodiscard]] std::optional<std::filesystem::path> find_preprocess(
    const std::filesystem::path& model);
/// The JSON text that read_preprocess reads.
[[nodiscard]] std::string to_json(const Preprocess& preprocess);

}  // namespace ompq::data
