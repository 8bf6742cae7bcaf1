#include "ompq/onnx_io/exporter.h"

#include <climits>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/model_writer.h"
#include "ompq/onnx_io/opset_upgrade.h"
#include "ompq/onnx_io/qdq_weights.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::ValueId;
using quant::QuantizedTensor;

ValueId require_constant(const Graph& graph,
                         const std::string& name,
                         const QuantizedTensor& weight) {
  const ValueId id = graph.find_value(name);
  if (!graph.is_constant(id)) {
    throw ConfigError("export",
                      fmt::format("'{}' is to be written quantized, but is no constant of the "
                                  "network",
                                  name));
  }
  if (graph.value(id).constant->shape() != weight.shape) {
    throw ConfigError("export",
                      fmt::format("the codes for '{}' have shape {}, the constant has {}",
                                  name,
                                  shape_text(weight.shape),
                                  shape_text(graph.value(id).constant->shape())));
  }
  return id;
}

onnx::ModelProto write_packed(const Graph& graph, const ExportOptions& options) {
  PackedWeights packed;
  for (const auto& [name, weight] : options.quantized) {
    (void)require_constant(graph, name, weight);
    packed.emplace(name, pack_weight(weight, name));
  }
  return write_model(graph, packed);
}

onnx::ModelProto write_float(Graph graph, const ExportOptions& options) {
  for (const auto& [name, weight] : options.quantized) {
    const ValueId id = require_constant(graph, name, weight);
    graph.mutable_value(id).constant = quant::dequantize(weight);
  }
  return write_model(graph);
}

onnx::ModelProto write_qdq(Graph graph, const ExportOptions& options) {
  for (const auto& [name, weight] : options.quantized) (void)require_constant(graph, name, weight);
  insert_weight_dequantizers(graph, options.quantized);
  return write_model(graph);
}

onnx::ModelProto write(const Graph& graph, const ExportOptions& options) {
  if (options.format == WeightFormat::Float) return write_float(graph, options);
  if (options.quantized.empty()) return write_model(graph);
  if (options.format == WeightFormat::Qdq) return write_qdq(upgraded(graph), options);
  return write_packed(upgraded(graph), options);
}

}  // namespace

std::string export_onnx_bytes(const Graph& graph, const ExportOptions& options) {
  const onnx::ModelProto model = write(graph, options);
  const std::size_t size = model.ByteSizeLong();
  if (size > INT_MAX) {
    throw ConfigError(
        "export",
        fmt::format("the file would have {} bytes, more than the 2 GiB of an ONNX file", size));
  }
  return model.SerializeAsString();
}

void export_onnx(const Graph& graph,
                 const std::filesystem::path& file,
                 const ExportOptions& options) {
  write_file_atomically(file, std::string_view(export_onnx_bytes(graph, options)));
}

}  // namespace ompq::onnx_io
