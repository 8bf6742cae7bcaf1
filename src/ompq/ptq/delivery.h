#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ompq/pipeline/model.h"
#include "ompq/pipeline/network.h"

namespace ompq::ptq {

/// One file of a quantized network.
struct DeliveredFile {
  std::filesystem::path file;
  std::string bytes;
  std::string data;  ///< external data of a large ONNX file: content of onnx_io::data_file
  [[nodiscard]] std::int64_t size() const {
    return static_cast<std::int64_t>(bytes.size() + data.size());
  }
};

/// Writes each file atomically, with its data.
void write_delivered(const std::vector<DeliveredFile>& files);

/// net.onnx -> net.encodings
[[nodiscard]] std::filesystem::path encodings_file(const std::filesystem::path& output);

/// Encodings of weights and activations as AIMET exports and reads them (version 0.6.1): for each
/// tensor of the float network bitwidth, scale, offset (minus the zero point), min and max, for a
/// weight one per output channel.
[[nodiscard]] std::string encodings_json(const pipeline::Model& model,
                                         const rounding::NetworkCodes& codes);

/// A C99 header: for each quantized layer its codes as one stream of bits, scales, zero points, and
/// the bias in units of input scale x weight scale (float if the layer's input is float), with a
/// function that reads a code. Layers that stay float are named in a comment.
/// @param name  of the network; characters other than letters and digits become underscores.
[[nodiscard]] std::string c_header(const pipeline::Model& model,
                                   const std::vector<int>& weight_bits,
                                   const rounding::NetworkCodes& codes,
                                   const std::string& name);

}  // namespace ompq::ptq
