#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

enum class WeightFormat {
  Packed,  ///< bit-planes, unpacked by plain ONNX operators when the session is made
  Qdq,     ///< one code a byte behind DequantizeLinear, as other tools write and read it
  Float,   ///< dequantized float32 initializers
};

struct ExportOptions {
  WeightFormat format = WeightFormat::Packed;
  /// Constants to write as codes, by value name; a value that several nodes share is packed once.
  std::map<std::string, quant::QuantizedTensor> quantized;
};

/// The ONNX file for `graph` (which holds no fused "ompq" nodes) as bytes; the batch is left open
/// where the graph leaves it open. A file with quantized weights has opset 13 or newer
/// (upgrade_opset); any other keeps the graph's own. Weights come out equal to the bit to
/// quant::dequantize. The same graph always gives the same bytes.
/// @throws ConfigError for a quantized name that is no constant of the graph, or codes, scales or
/// zero points that do not fit it; UnsupportedOp for a node whose attributes were not read.
[[nodiscard]] std::string export_onnx_bytes(const graph::Graph& graph,
                                            const ExportOptions& options = {});
/// The same, written atomically. @throws FileError too; nothing is left behind.
void export_onnx(const graph::Graph& graph,
                 const std::filesystem::path& file,
                 const ExportOptions& options = {});

}  // namespace ompq::onnx_io
