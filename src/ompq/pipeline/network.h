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

/// A quantized network: the graph with dequantized float32 weights, and the codes.
struct QuantizedNetwork {
  graph::Graph graph;
  std::map<std::string, quant::QuantizedTensor> weights;  ///< by value name
  /// The graph to be written, see Model::file_graph; nullopt: `graph`.
  std::optional<graph::Graph> file_graph{};
  bool integer_kernels = false;  ///< as targets::TargetRow::integer_kernels
  onnx_io::KernelForm kernel_form{};
};

/// Codes by rounding to nearest, for weights of `weight_bits` (one per layer; kFloatBits stays
/// float).
[[nodiscard]] rounding::NetworkCodes nearest_codes(
    const Model& model,
    const std::vector<int>& weight_bits,
    const rounding::ActivationQuantizers& activations,
    const rounding::WeightOptions& options);

/// The quantized network from codes, activation quantizers and biases.
[[nodiscard]] QuantizedNetwork assemble_network(const Model& model,
                                                const std::vector<int>& weight_bits,
                                                const rounding::NetworkCodes& codes);

/// Quantizes weights to `weight_bits` (one per layer) by `options`, and activations with
/// `activations` (empty: float).
[[nodiscard]] QuantizedNetwork quantize_network(const Model& model,
                                                const std::vector<int>& weight_bits,
                                                const rounding::ActivationQuantizers& activations,
                                                const rounding::WeightOptions& options);

/// How a network is written, and its metadata: everything that determines the file's bytes besides
/// the network and its widths.
struct FileForm {
  onnx_io::WeightFormat format = onnx_io::WeightFormat::Packed;
  std::optional<int> opset;         ///< as onnx_io::ExportOptions::opset
  std::string name = "model.onnx";  ///< of the file, which determines the name of external data
  /// The budget of the widths, from allocation::exact_text; empty: none.
  std::string budget;
  std::size_t max_model_bytes = onnx_io::ExportOptions{}.max_model_bytes;
  bool keep_names = false;  ///< of values, for files next to the network
};

/// The ONNX file for `network`.
[[nodiscard]] onnx_io::OnnxFile export_file(const QuantizedNetwork& network, const FileForm& form);

/// Predicts the size of the file that quantize would write for any widths, without quantizing.
class FileSize {
 public:
  FileSize(const Model& model, const rounding::WeightOptions& options, FileForm form);

  /// The same for files with `budget` in their metadata; prepared data is shared.
  [[nodiscard]] FileSize answering(const allocation::Budget& budget) const;
  /// One width per layer; allocation::kFloatBits: the weight, or the layer's input, stays float.
  [[nodiscard]] std::int64_t bytes(const std::vector<int>& weight_bits,
                                   const std::vector<int>& activation_bits) const;
  [[nodiscard]] std::int64_t bytes(const allocation::Allocation& allocation) const {
    return bytes(allocation.weight_bits, allocation.activation_bits);
  }

 private:
  /// The file's graph for the last activation widths, with placeholder quantizers: all of one width
  /// have the same size.
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
