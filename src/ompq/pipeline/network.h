#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
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

  /// From now on sizes are those of files that say they answer this budget.
  void set_budget(const allocation::Budget& budget) {
    form_.budget = allocation::exact_text(budget);
  }
  /// One width a layer; allocation::kFloatBits: the weight, or the layer's input, stays float.
  [[nodiscard]] std::int64_t bytes(const std::vector<int>& weight_bits,
                                   const std::vector<int>& activation_bits) const;
  [[nodiscard]] std::int64_t bytes(const allocation::Allocation& allocation) const {
    return bytes(allocation.weight_bits, allocation.activation_bits);
  }

 private:
  [[nodiscard]] const graph::Graph& graph_for(const std::vector<int>& activation_bits) const;

  const Model& model_;
  rounding::WeightOptions options_;
  FileForm form_;
  // With stand-ins for the activation quantizers that were asked for last; all of one width have
  // the same size.
  mutable std::vector<int> activation_bits_;
  mutable rounding::ActivationQuantizers quantizers_;  // by values of the model's graph
  mutable graph::Graph graph_;                         // as it is written
};

}  // namespace ompq::pipeline
