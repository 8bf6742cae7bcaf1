#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

enum class WeightFormat {
  Packed,  ///< bit-planes, unpacked by plain ONNX operators when the session is made
  Float,   ///< dequantized float32 initializers
};

struct ExportOptions {
  WeightFormat format = WeightFormat::Packed;
  /// Constants to write as codes, by value name; a value that several nodes share is packed once.
  std::map<std::string, quant::QuantizedTensor> quantized;
};

/// The ONNX file for `graph` (which holds no fused "ompq" nodes) as bytes, opset 13 at least, batch
/// left open.
/// @throws ConfigError for a quantized name that is no constant of the graph.
[[nodiscard]] std::string export_onnx_bytes(const graph::Graph& graph,
                                            const ExportOptions& options = {});
/// The same, written atomically.
void export_onnx(const graph::Graph& graph,
                 const std::filesystem::path& file,
                 const ExportOptions& options = {});

}  // namespace ompq::onnx_io
