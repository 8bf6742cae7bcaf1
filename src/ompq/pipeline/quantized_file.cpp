#include "ompq/pipeline/quantized_file.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "ompq/pipeline/file_metadata.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/paired_values.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/short_scale.h"
#include "ompq/quant/slices.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/targets/placement.h"
#include "ompq/targets/target_table.h"

namespace ompq::pipeline {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, const std::string& reason) {
  throw ConfigError("--from", fmt::format("{}: {}", file.string(), reason));
}

FileMetadata note_of(const Model& model, const Model& quantized) {
  std::optional<FileMetadata> note = read_file_metadata(quantized.graph.metadata);
  if (!note) {
    refuse(quantized.file,
           "it has no metadata about its bits; give a file of 'ompq quantize' or 'ompq "
           "finetune'");
  }
  if (note->float_sha256 != model.sha256) {
    refuse(quantized.file,
           fmt::format("it was made from another network than {} (SHA-256 {}..., not {}...); give "
                       "the float network that it was made from",
                       model.file.string(),
                       note->float_sha256.substr(0, 12),
                       model.sha256.substr(0, 12)));
  }
  return std::move(*note);
}

/// For each layer of the float network, the one with the same name in the quantized one; quantizers
/// may have changed their order.
std::vector<graph::Layer> partners_of(const Model& model,
                                      const Model& quantized,
                                      std::size_t widths) {
  std::vector<graph::Layer> partners;
  for (const graph::Layer& ours : model.discovery.layers) {
    for (const graph::Layer& theirs : quantized.discovery.layers) {
      const bool same = theirs.name == ours.name && theirs.op_type == ours.op_type &&
                        quantized.graph.is_constant(theirs.weight) &&
                        model.graph.value(ours.weight).constant->shape() ==
                            quantized.graph.value(theirs.weight).constant->shape();
      if (same) partners.push_back(theirs);
    }
  }
  if (partners.size() == model.discovery.layers.size() && partners.size() == widths) {
    return partners;
  }
  refuse(quantized.file,
         fmt::format("its layers are not those of {}; give a file that was not modified",
                     model.file.string()));
}

/// The values of each slice with its own scale.
std::vector<std::vector<float>> values_of_slices(const Tensor& weight,
                                                 const quant::Granularity& granularity) {
  const quant::Slices slices = quant::slices_of(weight.shape(), granularity);
  std::vector<std::vector<float>> values(static_cast<std::size_t>(slices.total()));
  const auto all = weight.data<float>();
  quant::for_each_run(slices, [&](std::int64_t s, std::int64_t at, std::int64_t count) {
    auto& own = values[static_cast<std::size_t>(s)];
    own.insert(own.end(), all.begin() + at, all.begin() + at + count);
  });
  return values;
}

/// Number of levels below 0 that a slice needs, so that those above also fit.
std::int32_t zero_point_for(const std::vector<float>& values, float step, int levels) {
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  const auto below = static_cast<std::int32_t>(std::lround(std::max(0.0F, -*min) / step));
  const auto above = static_cast<std::int32_t>(std::lround(std::max(0.0F, *max) / step));
  const std::int32_t middle = levels / 2;
  return std::clamp(middle, below, levels - 1 - above);
}

/// The scale with which all values are among 2^bits levels between integers; nullopt if there is
/// none.
std::optional<float> step_between(const std::vector<float>& values, int bits) {
  const auto by_size = [](float a, float b) { return std::abs(a) < std::abs(b); };
  const float min = std::abs(*std::min_element(values.begin(), values.end(), by_size));
  if (min == 0.0F) return std::nullopt;
  const float top = std::exp2(static_cast<float>(bits)) - 1.0F;
  for (float parts = 1.0F; parts <= top; parts += 2.0F) {
    const float half = quant::short_scale(min / parts, quant::Snap::Nearest);
    const auto fits = [&](float value) {
      const float steps = std::round(std::abs(value) / half);
      return steps * half == std::abs(value) && std::fmod(steps, 2.0F) == 1.0F && steps <= top;
    };
    if (std::all_of(values.begin(), values.end(), fits)) return 2.0F * half;
  }
  return std::nullopt;
}

/// The quantizer without a level at zero, if all weights are on its grid.
std::optional<quant::QuantParams> params_between(const std::vector<std::vector<float>>& slices,
                                                 BitWidth bits,
                                                 const quant::Granularity& granularity) {
  if (quant::level_shift(bits, quant::Symmetry::Symmetric) == 0.0F) return std::nullopt;
  quant::QuantParams params{.bits = bits,
                            .symmetry = quant::Symmetry::Symmetric,
                            .granularity = granularity,
                            .scale = {},
                            .zero_point = {}};
  for (const auto& slice : slices) {
    const auto step = step_between(slice, bits.value());
    if (!step) return std::nullopt;
    params.scale.push_back(*step);
    params.zero_point.push_back(bits.levels() / 2);
  }
  return params;
}

/// Scale and zero point of normal levels that include all values of a slice; nullopt if there are
/// none.
std::optional<std::pair<float, std::int32_t>> normal_step(const std::vector<float>& values,
                                                          BitWidth bits) {
  const std::optional<float> common = common_step(values, kMaxBits);
  if (!common) return std::nullopt;
  const quant::ZeroPointRange range = quant::zero_points_of(bits, quant::Symmetry::Normal);
  for (int parts = 1; parts < quant::kLargestNormalLevel; ++parts) {
    const float scale =
        quant::short_scale(*common / static_cast<float>(parts), quant::Snap::Nearest);
    if (scale * static_cast<float>(parts) != *common) continue;
    for (int zero = range.least; zero <= range.most; zero += range.step) {
      const quant::Grid grid =
          quant::make_grid(scale, zero, bits, 0.0F, &quant::normal_levels(bits));
      const auto is_level = [&](float value) {
        return quant::fake_quantized(value, grid) == value;
      };
      if (std::all_of(values.begin(), values.end(), is_level)) return std::pair(scale, zero);
    }
  }
  return std::nullopt;
}

/// The quantizer with normal levels, if all weights are on its grid.
std::optional<quant::QuantParams> normal_params(const std::vector<std::vector<float>>& slices,
                                                BitWidth bits,
                                                const quant::Granularity& granularity) {
  if (!quant::has_normal_levels(bits)) return std::nullopt;
  quant::QuantParams params{.bits = bits,
                            .symmetry = quant::Symmetry::Normal,
                            .granularity = granularity,
                            .scale = {},
                            .zero_point = {}};
  for (const auto& slice : slices) {
    const auto found = normal_step(slice, bits);
    if (!found) return std::nullopt;
    params.scale.push_back(found->first);
    params.zero_point.push_back(found->second);
  }
  return params;
}

quant::QuantizedTensor codes_of(const fs::path& file,
                                const graph::Layer& layer,
                                const Tensor& weight,
                                int bits) {
  const BitWidth width(bits);
  const quant::Granularity granularity = rounding::granularity_of(layer);
  const auto slices = values_of_slices(weight, granularity);
  if (const auto between = params_between(slices, width, granularity)) {
    return quant::quantize(weight, *between);
  }
  quant::QuantParams params{.bits = width,
                            .symmetry = quant::Symmetry::Symmetric,
                            .granularity = granularity,
                            .scale = {},
                            .zero_point = {}};
  for (const auto& slice : slices) {
    const auto step = common_step(slice, bits);
    if (!step) {
      if (const auto normal = normal_params(slices, width, granularity)) {
        return quant::quantize(weight, *normal);
      }
      refuse(file,
             fmt::format("weights of layer '{}' are not on {} levels, as its metadata states",
                         layer.name,
                         width.levels()));
    }
    params.scale.push_back(*step);
    params.zero_point.push_back(zero_point_for(slice, *step, width.levels()));
    const bool middle = params.zero_point.back() == width.levels() / 2;
    // Symmetric quantizers of so few levels have none at zero.
    if (!middle || quant::level_shift(params) > 0.0F) params.symmetry = quant::Symmetry::Asymmetric;
  }
  return quant::quantize(weight, params);
}

/// The node that produces `value` if it is a standard `op_type`; nullptr otherwise.
const graph::Node* maker_of(const graph::Graph& graph,
                            graph::ValueId value,
                            std::string_view op_type) {
  const graph::NodeId id = value == graph::kNoValue ? graph::kNoNode : graph.producer(value);
  if (id == graph::kNoNode) return nullptr;
  const graph::Node& node = graph.node(id);
  return node.domain.empty() && node.is(op_type) ? &node : nullptr;
}

/// The width of codes 0 .. 2^b - 1 with this number of levels; nullopt if there is none. An
/// original Clip of the network before an 8-bit quantizer is no bound of codes.
std::optional<int> width_of_levels(std::int64_t levels) {
  const auto count = static_cast<std::uint64_t>(levels);
  if (levels < 2 || levels > 128 || !std::has_single_bit(count)) return std::nullopt;
  return std::countr_zero(count);
}

/// The quantizer that produces `value` of the quantized graph; nullopt if it is float.
std::optional<quant::QuantParams> quantizer_of(const graph::Graph& graph, graph::ValueId value) {
  const graph::Node* dequantize = maker_of(graph, value, "DequantizeLinear");
  if (dequantize == nullptr) return std::nullopt;
  // Fewer than 8 bits: a Clip of the codes, or of the values before them.
  const graph::Node* code_clip = maker_of(graph, dequantize->input(0), "Clip");
  const graph::ValueId codes = code_clip != nullptr ? code_clip->input(0) : dequantize->input(0);
  const graph::Node* quantize = maker_of(graph, codes, "QuantizeLinear");
  if (quantize == nullptr) return std::nullopt;
  if (!graph.is_constant(quantize->input(1)) || !graph.is_constant(quantize->input(2))) {
    return std::nullopt;
  }
  const float scale = graph.value(quantize->input(1)).constant->data<float>().front();
  const Tensor& zero_point = *graph.value(quantize->input(2)).constant;
  // Quantizers here have codes from 0.
  const std::int32_t first_code = zero_point.type() == DataType::Int8 ? -128 : 0;
  const auto zero =
      static_cast<std::int32_t>(std::lround(zero_point.to_floats().front())) - first_code;
  const graph::Node* clip =
      code_clip != nullptr ? code_clip : maker_of(graph, quantize->input(0), "Clip");
  std::optional<int> bits;
  if (clip != nullptr && graph.is_constant(clip->input(2))) {
    const float max = graph.value(clip->input(2)).constant->to_floats().front();
    bits = width_of_levels(code_clip != nullptr ? std::lround(max) - first_code + 1
                                                : std::lround(max / scale) + zero + 1);
  }
  return quant::QuantParams{.bits = BitWidth(bits.value_or(8)),
                            .symmetry = quant::Symmetry::Asymmetric,
                            .granularity = quant::Granularity::per_tensor(),
                            .scale = {scale},
                            .zero_point = {zero}};
}

/// Adds the quantizers between operators.
void add_quantizers(const Model& model,
                    const Model& quantized,
                    const std::vector<graph::Layer>& partners,
                    rounding::NetworkCodes& codes) {
  std::map<graph::NodeId, graph::NodeId> nodes;
  std::vector<graph::Layer> layers;
  std::vector<BitWidth> widths;
  for (std::size_t l = 0; l < partners.size(); ++l) {
    const graph::Layer& layer = model.discovery.layers[l];
    nodes.emplace(layer.node, partners[l].node);
    const auto found = codes.activations.find(layer.activation);
    if (found == codes.activations.end()) continue;
    layers.push_back(layer);
    widths.push_back(found->second.bits);
  }
  const auto pairs = paired_values(model.graph, quantized.graph, nodes);
  const targets::TargetRow& target = targets::target(codes.target);
  for (const auto& [value, place] :
       targets::place_quantizers(model.graph, layers, widths, target)) {
    if (codes.activations.contains(value)) continue;
    const auto pair = pairs.find(value);
    const auto params =
        pair == pairs.end()
            ? std::nullopt
            : quantizer_of(quantized.graph, after_quantizer(quantized.graph, pair->second));
    if (!params) {
      refuse(quantized.file,
             fmt::format("value '{}' of {} has no quantizer there, which files for {} have; give "
                         "a file that was not modified",
                         model.graph.value(value).name,
                         model.file.string(),
                         target.name));
    }
    codes.activations.emplace(value, *params);
  }
}

}  // namespace

std::optional<float> common_step(const std::vector<float>& values, int bits) {
  float min = 0.0F;
  float low = 0.0F;
  float high = 0.0F;
  for (const float value : values) {
    if (value != 0.0F && (min == 0.0F || std::abs(value) < min)) min = std::abs(value);
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (min == 0.0F) return 1.0F;
  const float levels = std::exp2(static_cast<float>(bits));
  for (float parts = 1.0F; parts < levels; ++parts) {
    const float step = quant::short_scale(min / parts, quant::Snap::Nearest);
    if (step * parts != min || (high - low) / step > levels - 1.0F) continue;
    const auto is_multiple = [&](float value) { return std::round(value / step) * step == value; };
    if (std::all_of(values.begin(), values.end(), is_multiple)) return step;
  }
  return std::nullopt;
}

QuantizedFile read_quantized_file(const Model& model, const fs::path& file) {
  const Model quantized = load_model(file, model.import);
  FileMetadata note = note_of(model, quantized);
  QuantizedFile read{.weight_bits = std::move(note.weight_bits),
                     .activation_bits = {},
                     .codes = {},
                     .budget = std::move(note.budget)};
  const std::vector<graph::Layer> partners = partners_of(model, quantized, read.weight_bits.size());
  for (std::size_t l = 0; l < read.weight_bits.size(); ++l) {
    const graph::Layer& ours = model.discovery.layers[l];
    const graph::Layer& theirs = partners[l];
    const auto params = ours.activation == graph::kNoValue
                            ? std::nullopt
                            : quantizer_of(quantized.graph, theirs.input);
    read.activation_bits.push_back(params ? std::optional(params->bits.value()) : std::nullopt);
    if (params) read.codes.activations.emplace(ours.input, *params);
    if (ours.bias != graph::kNoValue && theirs.bias != graph::kNoValue) {
      const auto bias = quantized.graph.value(theirs.bias).constant->data<float>();
      read.codes.biases[model.graph.value(ours.bias).name] = {bias.begin(), bias.end()};
    }
    if (read.weight_bits[l] == allocation::kFloatBits) continue;
    read.codes.weights.emplace(
        model.graph.value(ours.weight).name,
        codes_of(file, ours, *quantized.graph.value(theirs.weight).constant, read.weight_bits[l]));
  }
  read.codes.target = note.target.empty() ? std::string(targets::kExactTarget) : note.target;
  add_quantizers(model, quantized, partners, read.codes);
  return read;
}

}  // namespace ompq::pipeline
