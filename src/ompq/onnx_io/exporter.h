#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::onnx_io {

enum class WeightFormat {
  Packed,  ///< bit fields, unpacked by plain ONNX operators when the session is made
  Qdq,     ///< one code a byte, or two, after DequantizeLinear, as other tools write and read it
  Float,   ///< dequantized float32 initializers
};

/// The newest opset that a network is carried to; one that has a newer one itself keeps it.
inline constexpr int kMaxWrittenOpset = 21;

/// The opset from which on Qdq stores codes of at most 4 bits two a byte.
inline constexpr int kFourBitOpset = 21;

struct ExportOptions {
  WeightFormat format = WeightFormat::Packed;
  /// Constants to write as codes, by value name; a value that several nodes share is packed once.
  std::map<std::string, quant::QuantizedTensor> quantized;
  /// Of the file, see check_opset(). None: the graph's own, or 13 where that is older and something
  /// is quantized. Qdq takes codes of 4 bits only where kFourBitOpset or newer is asked for.
  std::optional<int> opset;
  std::map<std::string, std::string> metadata;  ///< besides the graph's own
  /// Values inside of the network get short names, and quantizers of Qdq and Float few bytes;
  /// weights and nodes keep their names. Packed does so anyway.
  bool terse = false;
  /// The file next to the model that takes the big tensors of one that is too large for one file.
  std::string data_name = "model.onnx.data";
  /// Serialized bytes above which that happens: what protobuf can hold. Tests lower it.
  std::size_t most_model_bytes = std::numeric_limits<std::int32_t>::max();
};

/// A network as it is written: one file, or two where one cannot hold it.
struct OnnxFile {
  std::string model;
  std::string data;  ///< content of ExportOptions::data_name; empty: there is no such file
  [[nodiscard]] std::size_t size() const { return model.size() + data.size(); }
};

/// The ONNX file for `graph` (which holds no fused "ompq" nodes); the batch is left open where the
/// graph leaves it open. Weights come out equal to the bit to quant::dequantize. The same graph
/// always gives the same bytes. Inputs and outputs are as graph.interface declares them: type
/// (float16 after and before a Cast), open extents with their names; the description and metadata
/// of the file that was read stay, too. Float stores what that file stores in half floats so,
/// rounded to them.
/// @throws ConfigError for a quantized name that is no constant of the graph, codes, scales or zero
/// points that do not fit it, or an opset outside of the range; UnsupportedOp for a node whose
/// attributes were not read, or that has no form in the opset.
[[nodiscard]] OnnxFile export_onnx_file(const graph::Graph& graph,
                                        const ExportOptions& options = {});
/// The same for what one file can hold. @throws ConfigError for more.
[[nodiscard]] std::string export_onnx_bytes(const graph::Graph& graph,
                                            const ExportOptions& options = {});

/// Refuses an opset that `graph` cannot be written with: 13 (quantizers along an axis, axes as
/// operands) to 21 are written, and networks are carried to newer opsets alone, not to older ones.
/// @throws ConfigError, UnsupportedOp.
void check_opset(const graph::Graph& graph, int opset);

/// "net.onnx" -> "net.onnx.data"
[[nodiscard]] std::filesystem::path data_file(const std::filesystem::path& file);
/// Writes model and data, whose name the model knows as data_file(file); the data first, and each
/// only once both are whole next to their targets. @throws FileError; no partial file remains.
void write_onnx_file(const std::filesystem::path& file, const OnnxFile& content);

/// Exports and writes atomically; external data, where there is any, lies in data_file(file).
void export_onnx(const graph::Graph& graph,
                 const std::filesystem::path& file,
                 ExportOptions options = {});

}  // namespace ompq::onnx_io
