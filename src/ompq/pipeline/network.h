#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/request.h"
#include "ompq/core/bit_width.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/model.h"
#include "ompq/rounding/calibration.h"
#include "ompq/rounding/network_codes.h"
#include "ompq/rounding/quantize_weights.h"

namespace ompq::pipeline {

/// A quantized network: the graph with float32 weights that the codes stand for, and the codes.
struct QuantizedNetwork {
  graph::Graph graph;
  std::map<std::string, quant::QuantizedTensor> weights;  ///< by value name
  /// The same network as it is written, see Model::file_graph; none: `graph` itself.
  std::optional<graph::Graph> file_graph{};
};

/// Codes of rounding to nearest, for weights of `weight_bits` (one a layer; kFloatBits stays
/// float).
[[nodiscard]] rounding::NetworkCodes nearest_codes(
    const Model& model,
    const std::vector<int>& weight_bits,
    const rounding::ActivationQuantizers& activations,
    const rounding::WeightOptions& options);

/// The network that codes, activation quantizers and biases make of the float one.
[[nodiscard]] QuantizedNetwork assemble_network(const Model& model,
                                                const std::vector<int>& weight_bits,
                                                const rounding::NetworkCodes& codes);

/// Weights to `weight_bits` (one a layer) by `options`; activations as `activations` says (none:
/// float).
[[nodiscard]] QuantizedNetwork quantize_network(const Model& model,
                                                const std::vector<int>& weight_bits,
                                                const rounding::ActivationQuantizers& activations,
                                                const rounding::WeightOptions& options);

/// How a network is written, and what the file says besides it: all of its bytes that the network
/// and its widths do not decide.
struct FileForm {
  onnx_io::WeightFormat format = onnx_io::WeightFormat::Packed;
  std::optional<int> opset;         ///< as onnx_io::ExportOptions::opset
  std::string name = "model.onnx";  ///< of the file, next to which external data would lie
  /// That the widths answer, as allocation::exact_text has it; empty: none.
  std::string budget;
  std::size_t most_model_bytes = onnx_io::ExportOptions{}.most_model_bytes;
  bool keep_names = false;  ///< of values, for files that stand next to the network
};

/// The ONNX file for `network`.
[[nodiscard]] onnx_io::OnnxFile export_file(const QuantizedNetwork& network, const FileForm& form);

/// Size of the file that quantize would write for any widths, without quantizing anything.
class FileSize {
 public:
  FileSize(const Model& model, const rounding::WeightOptions& options, FileForm form);

  /// The same for files that say they answer `budget`; what it keeps is shared.
  [[nodiscard]] FileSize answering(const allocation::Budget& budget) const;
  /// One width a layer; allocation::kFloatBits: the weight, or the layer's input, stays float.
  [[nodiscard]] std::int64_t bytes(const std::vector<int>& weight_bits,
                                   const std::vector<int>& activation_bits) const;
  [[nodiscard]] std::int64_t bytes(const allocation::Allocation& allocation) const {
    return bytes(allocation.weight_bits, allocation.activation_bits);
  }

 private:
  /// The file's graph for the activation widths that were asked for last, with stand-ins for their
  /// quantizers: all of one width have the same size.
  struct Kept {
    std::vector<int> activation_bits;
    rounding::ActivationQuantizers quantizers;  ///< by values of the model's graph
    graph::Graph graph;
  };

  void keep_graph_for(const std::vector<int>& activation_bits) const;

  const Model& model_;
  rounding::WeightOptions options_;
  FileForm form_;
  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

}  // namespace ompq::pipeline
