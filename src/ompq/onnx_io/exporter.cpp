#include "ompq/onnx_io/exporter.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/graph/fuse_quantizers.h"
#include "ompq/onnx_io/external_data_writer.h"
#include "ompq/onnx_io/file_types.h"
#include "ompq/onnx_io/float_kernels.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/onnx_io/integer_layers.h"
#include "ompq/onnx_io/model_writer.h"
#include "ompq/onnx_io/narrow_codes.h"
#include "ompq/onnx_io/opset_upgrade.h"
#include "ompq/onnx_io/qdq_weights.h"
#include "ompq/onnx_io/signed_codes.h"

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
                      fmt::format("'{}' is to be written quantized, but is not a constant of the "
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

void check_range(const Graph& graph, int opset) {
  if (opset == graph.opset && opset >= kPackedOpset) return;
  if (opset < kPackedOpset || opset > kMaxWrittenOpset) {
    throw ConfigError(
        "--opset",
        fmt::format(
            "opset {2} is not supported; files are written with opset {0} (the first with per-axis "
            "scales and axes as operands) to {1}; give {0} to {1}, or omit the option",
            kPackedOpset,
            kMaxWrittenOpset,
            opset));
  }
  if (opset < graph.opset) {
    throw ConfigError(
        "--opset",
        fmt::format("the network has opset {0} and can only be converted to newer opsets, not to "
                    "{1}; give {0} to {2}, or export the original network for opset {1}",
                    graph.opset,
                    opset,
                    std::max(kMaxWrittenOpset, graph.opset)));
  }
}

/// True if the graph's opset lacks a quantizer that it uses: they exist since opset 10, with an
/// axis since 13.
bool outgrew_opset(const Graph& graph) {
  constexpr int kQuantizers = 10;
  constexpr int kAxis = 13;
  return std::ranges::any_of(graph.nodes(), [&](const graph::Node& node) {
    const bool quantizer = node.is("QuantizeLinear") || node.is("DequantizeLinear");
    return quantizer && graph.opset < (node.has_attribute("axis") ? kAxis : kQuantizers);
  });
}

int opset_of(const Graph& graph, const ExportOptions& options) {
  if (options.opset) {
    check_range(graph, *options.opset);
    return *options.opset;
  }
  const bool codes = options.format != WeightFormat::Float && !options.quantized.empty();
  return codes || outgrew_opset(graph) ? std::max(graph.opset, kPackedOpset) : graph.opset;
}

/// Quantized constants and their biases, which are written in other forms.
std::set<std::string> coded(const Graph& graph, const ExportOptions& options) {
  std::set<std::string> names;
  for (const auto& [name, weight] : options.quantized) names.insert(name);
  for (const graph::Node& node : graph.nodes()) {
    const ValueId weight = node.input(1);
    const ValueId bias = node.input(2);
    if (weight == graph::kNoValue || bias == graph::kNoValue) continue;
    if (names.contains(graph.value(weight).name)) names.insert(graph.value(bias).name);
  }
  return names;
}

onnx::ModelProto write_packed(Graph graph, const ExportOptions& options) {
  store_halves(graph, coded(graph, options), Narrowing::Exact);
  PackedWeights packed;
  for (const auto& [name, weight] : options.quantized) {
    packed.emplace(name, pack_weight(weight, name));
  }
  std::vector<IntegerWeight> integer;
  if (options.integer_kernels) {
    KernelForm form = options.kernel_form;
    form.plain = false;  // the runtime unpacks weights, and folds the rest, too
    integer = insert_integer_layers(graph, options.quantized, form);
    keep_float_weights(graph);
  } else {
    keep_float_kernels(graph);
  }
  return write_model(
      graph, options.short_names ? Style::Shortest : Style::Full, packed, {}, integer);
}

onnx::ModelProto write_float(Graph graph, const ExportOptions& options) {
  for (const auto& [name, weight] : options.quantized) {
    graph.mutable_value(graph.find_value(name)).constant = quant::dequantize(weight);
  }
  store_halves(graph, {}, Narrowing::Rounded);
  keep_float_kernels(graph);
  return write_model(graph, options.short_names ? Style::Shortest : Style::Full);
}

/// Bits of the narrowest integer type of the requested opset.
int narrowest_type(const ExportOptions& options) {
  const int opset = options.opset.value_or(0);
  return opset >= kTwoBitOpset ? 2 : opset >= kFourBitOpset ? 4 : kByte;
}

onnx::ModelProto write_qdq(Graph graph, const ExportOptions& options) {
  const bool plain = options.integer_kernels && options.kernel_form.plain;
  const int narrowest = plain ? kByte : narrowest_type(options);
  store_halves(graph, coded(graph, options), Narrowing::Exact);
  auto others = options.quantized;
  NarrowConstants narrow;
  if (options.integer_kernels) {
    const std::vector<IntegerWeight> layers =
        insert_integer_layers(graph, others, options.kernel_form);
    narrow = narrow_levels(graph, layers, others, narrowest);
    for (const IntegerWeight& weight : layers) others.erase(weight.weight);
  }
  narrow.merge(insert_weight_dequantizers(graph, others, narrowest));
  if (options.integer_kernels) {
    keep_float_weights(graph);
  } else {
    keep_float_kernels(graph);
  }
  return write_model(graph, options.short_names ? Style::Short : Style::Full, {}, narrow);
}

onnx::ModelProto write(const Graph& given, const ExportOptions& options) {
  for (const auto& [name, weight] : options.quantized) {
    (void)require_constant(given, name, weight);
  }
  Graph graph = upgraded(given, opset_of(given, options));
  for (const auto& [key, value] : options.metadata) graph.metadata[key] = value;
  restore_interface_types(graph);
  if (options.integer_kernels && options.kernel_form.signed_codes) make_codes_signed(graph);
  const bool drops_bounds = options.integer_kernels && !options.kernel_form.keep_bounds;
  switch (options.format) {
    case WeightFormat::Packed:
      if (drops_bounds) graph::drop_bounds_before_quantizers(graph);
      return write_packed(std::move(graph), options);
    case WeightFormat::Qdq:
      if (drops_bounds) graph::drop_bounds_before_quantizers(graph);
      return write_qdq(std::move(graph), options);
    case WeightFormat::Float:
      break;
  }
  return write_float(std::move(graph), options);
}

}  // namespace

void check_opset(const Graph& graph, int opset) {
  check_range(graph, opset);
  (void)upgraded(graph, opset);
}

OnnxFile export_onnx_file(const Graph& graph, const ExportOptions& options) {
  onnx::ModelProto model = write(graph, options);
  OnnxFile file;
  if (model.ByteSizeLong() > options.max_model_bytes) {
    file.data = move_out_big_tensors(model, options.data_name);
  }
  if (model.ByteSizeLong() > options.max_model_bytes) {
    throw ConfigError(
        "export",
        fmt::format("the model without its external data takes {} bytes, and a protobuf file holds "
                    "at most {}; the network has too many nodes or small constants to be written",
                    model.ByteSizeLong(),
                    options.max_model_bytes));
  }
  file.model = model.SerializeAsString();
  return file;
}

std::string export_onnx_bytes(const Graph& graph, const ExportOptions& options) {
  OnnxFile file = export_onnx_file(graph, options);
  if (!file.data.empty()) {
    throw ConfigError(
        "export",
        fmt::format("the network takes {} bytes, more than one protobuf file can hold ({}); export "
                    "it to a file, so that it can have external data",
                    file.size(),
                    options.max_model_bytes));
  }
  return std::move(file.model);
}

std::filesystem::path data_file(const std::filesystem::path& file) {
  std::filesystem::path data = file;
  data += ".data";
  return data;
}

void write_onnx_file(const std::filesystem::path& file, const OnnxFile& content) {
  std::vector<NewFile> files;
  if (!content.data.empty()) files.push_back({data_file(file), content.data});
  files.push_back({file, content.model});
  write_files_atomically(files);
}

void export_onnx(const Graph& graph, const std::filesystem::path& file, ExportOptions options) {
  options.data_name = data_file(file).filename().string();
  write_onnx_file(file, export_onnx_file(graph, options));
}

}  // namespace ompq::onnx_io
