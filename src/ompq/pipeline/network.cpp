#include "ompq/pipeline/network.h"

#include <memory>

#include <fmt/format.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "ompq/core/version.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/pipeline/file_graph.h"
#include "ompq/pipeline/file_metadata.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/slices.h"
#include "ompq/rounding/bias_range.h"
#include "ompq/rounding/scale_range.h"
#include "ompq/targets/placement.h"
#include "ompq/targets/target_table.h"

namespace ompq::pipeline {
namespace {

/// The quantized layers with their widths.
struct QuantizedLayers {
  std::vector<graph::Layer> layers;
  std::vector<BitWidth> widths;
};

QuantizedLayers quantized_layers(const Model& model, const std::vector<int>& weight_bits) {
  QuantizedLayers quantized;
  for (std::size_t l = 0; l < weight_bits.size(); ++l) {
    if (weight_bits[l] == allocation::kFloatBits) continue;
    quantized.layers.push_back(model.discovery.layers[l]);
    quantized.widths.emplace_back(weight_bits[l]);
  }
  return quantized;
}

/// The metadata of a quantized file.
void describe(graph::Graph& graph,
              const Model& model,
              const std::vector<int>& weight_bits,
              const rounding::ActivationQuantizers& activations,
              const targets::TargetRow& target) {
  FileMetadata note{.version = version(), .float_sha256 = model.sha256, .weight_bits = weight_bits};
  if (target.integer_kernels && !activations.empty()) note.target = target.name;
  for (const graph::Layer& layer : model.discovery.layers) {
    const auto found = activations.find(layer.activation);
    note.activation_bits.push_back(found == activations.end() ? allocation::kFloatBits
                                                              : found->second.bits.value());
  }
  for (const auto& [key, value] : to_metadata(note)) graph.metadata[key] = value;
}

onnx_io::KernelForm kernel_form_of(const targets::TargetRow& target) {
  return {.signed_codes = target.signed_codes,
          .float_bias = target.bias == targets::BiasForm::Float32,
          .plain = target.plain,
          .keep_bounds = !target.drops_bounds};
}

/// Placeholder quantizers with the same size as calibrated ones. They clip to one side of 0, like
/// calibrated ones after a Relu or Clip, which are not written with integer kernels.
rounding::ActivationQuantizers stand_ins(const Model& model,
                                         const std::vector<int>& activation_bits,
                                         const targets::TargetRow& target) {
  std::vector<graph::Layer> layers;
  std::vector<BitWidth> widths;
  for (std::size_t l = 0; l < activation_bits.size(); ++l) {
    if (activation_bits[l] == allocation::kFloatBits) continue;
    layers.push_back(model.discovery.layers[l]);
    widths.emplace_back(activation_bits[l]);
  }
  rounding::ActivationQuantizers quantizers;
  for (const auto& [value, place] :
       targets::place_quantizers(model.graph, layers, widths, target)) {
    const graph::NodeId maker = model.graph.producer(value);
    const auto bounds = maker == graph::kNoNode
                            ? std::nullopt
                            : graph::bounds_of(model.graph, model.graph.node(maker));
    const bool negative = bounds && bounds->high <= 0.0F;
    quantizers[value] = {.bits = place.bits,
                         .scale = {0x1p-40F},
                         .zero_point = {negative ? place.bits.levels() - 1 : 0}};
  }
  return quantizers;
}

quant::QuantizedTensor blank_codes(const graph::Graph& graph,
                                   const graph::Layer& layer,
                                   int bits,
                                   const rounding::WeightOptions& options) {
  const Tensor& weight = *graph.value(layer.weight).constant;
  const quant::Granularity granularity = rounding::granularity_of(layer);
  const auto channels =
      static_cast<std::size_t>(quant::slices_of(weight.shape(), granularity).total());
  const BitWidth width(bits);
  const quant::Symmetry symmetry = rounding::symmetry_of(options, width);
  // Asymmetric zero points are written individually unless all are the symmetric one.
  const int zero = symmetry == quant::Symmetry::Symmetric ? width.levels() / 2 : 0;
  return {.params = {.bits = width,
                     .symmetry = symmetry,
                     .granularity = granularity,
                     .scale = std::vector<float>(channels, 1.0F),
                     .zero_point = std::vector<std::int32_t>(channels, zero)},
          .shape = weight.shape(),
          .codes = std::vector<std::uint8_t>(static_cast<std::size_t>(weight.elements()), 0)};
}

/// For executors that compute with integers; null if they do not fit int8.
std::shared_ptr<const graph::Levels> levels_of(const quant::QuantizedTensor& weight) {
  const auto levels = quant::int8_levels(weight);
  if (!levels || weight.params.granularity.stacked > 0) return nullptr;
  return std::make_shared<const graph::Levels>(graph::Levels{
      Tensor::from(weight.shape, levels->levels), levels->scale, weight.params.granularity.axis});
}

/// A bias that can be packed, like every bias from rounding::round_biases.
void clear(Tensor& bias) { bias = Tensor(bias.type(), bias.shape()); }

/// The model's graph to be written, with quantizers for the values of model.graph.
graph::Graph file_with_quantizers(const Model& model,
                                  const rounding::ActivationQuantizers& wanted,
                                  const targets::TargetRow& target) {
  graph::Graph file = model.file_graph.value_or(model.graph);
  rounding::ActivationQuantizers there;
  for (const auto& [value, params] : wanted) {
    const graph::ValueId id = model.file_graph ? value_in_file(model, file, value) : value;
    if (id == graph::kNoValue) {
      throw InternalError(
          "export",
          fmt::format("value '{}' is not in the written network", model.graph.value(value).name));
    }
    there.emplace(id, params);
  }
  rounding::insert_activation_quantizers(file, there, target);
  return file;
}

}  // namespace

rounding::NetworkCodes nearest_codes(const Model& model,
                                     const std::vector<int>& weight_bits,
                                     const rounding::ActivationQuantizers& activations,
                                     const rounding::WeightOptions& options) {
  graph::Graph rounded = model.graph;
  const auto [layers, widths] = quantized_layers(model, weight_bits);
  return {.weights = rounding::quantize_weights(rounded, layers, widths, options),
          .activations = activations,
          .biases = {},
          .target = options.target};
}

QuantizedNetwork assemble_network(const Model& model,
                                  const std::vector<int>& weight_bits,
                                  const rounding::NetworkCodes& codes) {
  const targets::TargetRow& target = targets::target(codes.target);
  QuantizedNetwork network{.graph = model.graph,
                           .weights = codes.weights,
                           .file_graph = {},
                           .integer_kernels = target.integer_kernels,
                           .kernel_form = kernel_form_of(target)};
  rounding::replace_biases(network.graph, codes.biases);
  rounding::ActivationScales scales;
  for (const auto& [value, params] : codes.activations) scales.emplace(value, params.scale.front());
  const auto layers = quantized_layers(model, weight_bits).layers;
  if (target.integer_kernels) {
    rounding::raise_scales_for_biases(network.graph, layers, scales, network.weights);
  }
  for (auto& [name, weight] : network.weights) {
    rounding::narrow_scales(weight);
    graph::Value& value = network.graph.mutable_value(network.graph.find_value(name));
    value.constant = quant::dequantize(weight);
    if (target.integer_kernels) value.levels = levels_of(weight);
  }
  rounding::round_biases(network.graph, layers, network.weights, scales);
  if (model.file_graph) {
    network.file_graph = file_with_quantizers(model, codes.activations, target);
    take_constants(*network.file_graph, network.graph);
    describe(*network.file_graph, model, weight_bits, codes.activations, target);
  }
  rounding::insert_activation_quantizers(network.graph, codes.activations, target);
  describe(network.graph, model, weight_bits, codes.activations, target);
  return network;
}

QuantizedNetwork quantize_network(const Model& model,
                                  const std::vector<int>& weight_bits,
                                  const rounding::ActivationQuantizers& activations,
                                  const rounding::WeightOptions& options) {
  return assemble_network(
      model, weight_bits, nearest_codes(model, weight_bits, activations, options));
}

onnx_io::OnnxFile export_file(const QuantizedNetwork& network, const FileForm& form) {
  onnx_io::ExportOptions options{.format = form.format,
                                 .quantized = network.weights,
                                 .opset = form.opset,
                                 .integer_kernels = network.integer_kernels,
                                 .kernel_form = network.kernel_form,
                                 .short_names = !form.keep_names && !network.weights.empty(),
                                 .data_name = onnx_io::data_file(form.name).string(),
                                 .max_model_bytes = form.max_model_bytes};
  if (!form.budget.empty()) options.metadata[kBudgetKey] = form.budget;
  return onnx_io::export_onnx_file(network.file_graph ? *network.file_graph : network.graph,
                                   options);
}

FileSize::FileSize(const Model& model, const rounding::WeightOptions& options, FileForm form)
    : model_(model), options_(options), form_(std::move(form)) {}

FileSize FileSize::answering(const allocation::Budget& budget) const {
  FileSize size = *this;
  size.form_.budget = allocation::exact_text(budget);
  return size;
}

void FileSize::keep_graph_for(const std::vector<int>& activation_bits) const {
  if (activation_bits == kept_->activation_bits) return;
  const targets::TargetRow& target = targets::target(options_.target);
  kept_->quantizers = stand_ins(model_, activation_bits, target);
  kept_->graph = file_with_quantizers(model_, kept_->quantizers, target);
  kept_->activation_bits = activation_bits;
}

std::int64_t FileSize::bytes(const std::vector<int>& weight_bits,
                             const std::vector<int>& activation_bits) const {
  keep_graph_for(activation_bits);
  const targets::TargetRow& target = targets::target(options_.target);
  QuantizedNetwork network{.graph = kept_->graph,
                           .weights = {},
                           .file_graph = {},
                           .integer_kernels = target.integer_kernels,
                           .kernel_form = kernel_form_of(target)};
  describe(network.graph, model_, weight_bits, kept_->quantizers, target);
  for (std::size_t l = 0; l < weight_bits.size(); ++l) {
    if (weight_bits[l] == allocation::kFloatBits) continue;
    const graph::Layer& layer = model_.discovery.layers[l];
    network.weights.emplace(model_.graph.value(layer.weight).name,
                            blank_codes(model_.graph, layer, weight_bits[l], options_));
    if (layer.bias == graph::kNoValue) continue;
    const graph::ValueId bias = network.graph.find_value(model_.graph.value(layer.bias).name);
    clear(*network.graph.mutable_value(bias).constant);
  }
  return static_cast<std::int64_t>(export_file(network, form_).size());
}

}  // namespace ompq::pipeline
