#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/integer_layers.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

enum class WeightFormat {
  Packed,  ///< bit fields, unpacked by standard ONNX operators when the session is created
  Qdq,     ///< one or two codes per byte with DequantizeLinear, as other tools write and read
  Float,   ///< dequantized float32 initializers
};

/// The newest opset that a network is converted to; a network with a newer opset keeps it.
inline constexpr int kMaxWrittenOpset = 25;

/// The first opsets with which Qdq stores codes of at most 4 bits two per byte, and of at most 2
/// bits four per byte.
inline constexpr int kFourBitOpset = 21;
inline constexpr int kTwoBitOpset = 25;

struct ExportOptions {
  WeightFormat format = WeightFormat::Packed;
  /// Constants to write as codes, by value name; a value shared by several nodes is packed once.
  std::map<std::string, quant::QuantizedTensor> quantized;
  /// The file's opset, see check_opset(). Nullopt: the graph's opset, or 13 if that is older and
  /// something is quantized. Qdq uses narrow codes only if an opset that has them is requested.
  std::optional<int> opset;
  /// Write layers that read codes with one scale for integer kernels (integer_layers.h).
  bool integer_kernels = false;
  KernelForm kernel_form{};                     ///< with integer_kernels
  std::map<std::string, std::string> metadata;  ///< added to the graph's metadata
  /// Give inner values short names and write the quantizers of Qdq and Float in fewer bytes;
  /// weights and nodes keep their names. Packed always does so.
  bool short_names = false;
  /// Name of the external data file for the large tensors of a model that does not fit into one
  /// file.
  std::string data_name = "model.onnx.data";
  /// Serialized size above which external data is used: the limit of protobuf. Tests lower it.
  std::size_t max_model_bytes = std::numeric_limits<std::int32_t>::max();
};

/// A serialized network: one file, or two if it does not fit into one.
struct OnnxFile {
  std::string model;
  std::string data;  ///< content of ExportOptions::data_name; empty: no such file
  [[nodiscard]] std::size_t size() const { return model.size() + data.size(); }
};

/// The ONNX file for `graph`, which must not have fused "ompq" nodes; an open batch stays open.
/// Weights are bit-exact with quant::dequantize. The same graph always gives the same bytes. Inputs
/// and outputs are as declared in graph.interface: types (float16 with a Cast) and names of open
/// extents; description and metadata of the imported file are kept. Float rounds constants to half
/// floats if the imported file stores them so.
/// @throws ConfigError for a quantized name that is not a constant of the graph, codes, scales or
/// zero points that do not fit it, or an opset out of range; UnsupportedOp for a node whose
/// attributes were not read, or that has no form in the opset.
[[nodiscard]] OnnxFile export_onnx_file(const graph::Graph& graph,
                                        const ExportOptions& options = {});
/// The same as a single file. @throws ConfigError if the network does not fit into one.
[[nodiscard]] std::string export_onnx_bytes(const graph::Graph& graph,
                                            const ExportOptions& options = {});

/// Checks that `graph` can be written with an opset: 13 (per-axis quantizers, axes as operands) to
/// 25, and not older than the graph's.
/// @throws ConfigError, UnsupportedOp.
void check_opset(const graph::Graph& graph, int opset);

/// "net.onnx" -> "net.onnx.data"
[[nodiscard]] std::filesystem::path data_file(const std::filesystem::path& file);
/// Writes the model and its data file, data_file(file). Both are written to temporary files first;
/// the data is renamed first. @throws FileError; no partial file remains.
void write_onnx_file(const std::filesystem::path& file, const OnnxFile& content);

/// Exports and writes atomically; external data, if any, is in data_file(file).
void export_onnx(const graph::Graph& graph,
                 const std::filesystem::path& file,
                 ExportOptions options = {});

}  // namespace ompq::onnx_io
