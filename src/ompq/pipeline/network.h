#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/model.h"
#include "ompq/tuning/calibration.h"
#include "ompq/tuning/quantize_weights.h"

namespace ompq::pipeline {

/// A quantized network: the graph with float32 weights that the codes stand for, and the codes.
struct QuantizedNetwork {
  graph::Graph graph;
  std::map<std::string, quant::QuantizedTensor> weights;  ///< by value name
};

/// Weights to `weight_bits` (one a layer) by `options`; activations as `activations` says (none:
/// float).
[[nodiscard]] QuantizedNetwork quantize_network(const Model& model,
                                                const std::vector<int>& weight_bits,
                                                const tuning::ActivationQuantizers& activations,
                                                const tuning::WeightOptions& options);

/// The bytes of the ONNX file for `network`.
[[nodiscard]] std::string export_bytes(const QuantizedNetwork& network,
                                       onnx_io::WeightFormat format);

/// Size of the file that quantize would write for any widths, without quantizing anything.
class FileSize {
 public:
  /// @param activation_bits  per layer; none: its input stays float.
  FileSize(const Model& model,
           const std::vector<std::optional<int>>& activation_bits,
           const tuning::WeightOptions& options,
           onnx_io::WeightFormat format);
  [[nodiscard]] std::int64_t bytes(const std::vector<int>& weight_bits) const;

 private:
  const Model& model_;
  graph::Graph
      graph_;  // with stand-ins for the activation quantizers, which all have the same size
  tuning::WeightOptions options_;
  onnx_io::WeightFormat format_;
};

}  // namespace ompq::pipeline
