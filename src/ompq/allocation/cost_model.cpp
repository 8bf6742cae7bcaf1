#include "ompq/allocation/cost_model.h"

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

constexpr std::int64_t kFloatBytes = 4;

/// Biases in the file: those of the layer, or those from folding its batch norm.
std::int64_t biases_on_disk(const LayerCost& layer) {
  if (layer.bias_count > 0) return layer.bias_count;
  return layer.norm_count > 0 ? layer.out_channels : 0;
}

/// If the input is quantized, a bias is stored as a float16 number of steps.
std::int64_t bytes_of_a_bias(int width, const CostOptions& options) {
  const bool in_steps = width != kFloatBits && options.activation_bits != kFloatBits;
  return in_steps ? 2 : kFloatBytes;
}

std::int64_t disk_bytes(const LayerCost& layer, int width, const CostOptions& options) {
  const std::int64_t biases = bytes_of_a_bias(width, options) * biases_on_disk(layer);
  if (width == kFloatBits) return weight_bytes(layer, width) + biases;
  const int zero_point_bits = options.zero_point_bits.at(static_cast<std::size_t>(width));
  // Zero points of the same width are written with the codes.
  const bool together = zero_point_bits == width;
  const auto bytes = [](int bits, std::int64_t count) { return bits * ((count + 7) / 8); };
  const std::int64_t codes =
      bytes(width, layer.weight_count + (together ? layer.out_channels : 0)) +
      (together ? 0 : bytes(zero_point_bits, layer.out_channels));
  const std::int64_t scales = layer.out_channels;  // a byte each
  return codes + scales + biases + layer.overhead_bytes;
}

}  // namespace

std::vector<DecisionItem> decision_items(std::span<const LayerCost> layers) {
  std::vector<DecisionItem> items;
  std::vector<std::size_t> item_of(layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].tied_to != kUntied) continue;
    item_of[l] = items.size();
    items.push_back({l, {}});
  }
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::ptrdiff_t leader = layers[l].tied_to;
    if (leader == kUntied) {
      items[item_of[l]].layers.push_back(l);
      continue;
    }
    if (leader < 0 || leader >= std::ssize(layers) ||
        layers[static_cast<std::size_t>(leader)].tied_to != kUntied) {
      throw ConfigError(
          "allocation",
          fmt::format(
              "layer '{}' is tied to layer {} of {}, which is itself tied or does not exist",
              layers[l].name,
              leader,
              layers.size()));
    }
    items[item_of[static_cast<std::size_t>(leader)]].layers.push_back(l);
  }
  return items;
}

std::int64_t paper_parameters(const LayerCost& layer) {
  if (layer.linear) return layer.weight_count + layer.bias_count + layer.norm_count;
  const bool has_norm_or_its_rest = layer.norm_count > 0 || layer.bias_count > 0;
  return layer.weight_count + (has_norm_or_its_rest ? 2 * layer.out_channels : 0);
}

std::int64_t size_bits(const LayerCost& layer, int width, const CostOptions& options) {
  if (options.accounting == Accounting::Paper) return paper_parameters(layer) * width;
  return 8 * disk_bytes(layer, width, options);
}

std::int64_t weight_bytes(const LayerCost& layer, int width) {
  return (layer.weight_count * width + 7) / 8;
}

std::int64_t activation_bytes(const ActivationCost& activation, int width) {
  return (activation.elements * width + 7) / 8;
}

std::int64_t counted_macs(const LayerCost& layer, MacCount count) {
  switch (count) {
    case MacCount::Plain:
      return layer.macs;
    case MacCount::Reference: {
      if (!layer.linear) return layer.macs + 5 * layer.output_elements;
      return 2 * layer.macs + (layer.bias_count > 0 ? layer.output_elements : 0);
    }
    case MacCount::FlopLinear:
      if (!layer.linear || layer.macs == 0)
        return layer.macs;  // an embedding has no multiplications
      return 2 * layer.macs - layer.output_elements;
  }
  throw InternalError("allocation", "unknown MAC count");
}

std::int64_t bit_operations(const LayerCost& layer,
                            int weight_bits,
                            int activation_bits,
                            MacCount count) {
  return counted_macs(layer, count) * weight_bits * activation_bits;
}

Cost total_cost(std::span<const LayerCost> layers,
                std::span<const int> weight_bits,
                std::span<const int> activation_bits,
                const CostOptions& options) {
  if (weight_bits.size() != layers.size() ||
      (!activation_bits.empty() && activation_bits.size() != layers.size())) {
    throw ShapeError("allocation",
                     fmt::format("{} layers, but {} weight widths and {} activation widths",
                                 layers.size(),
                                 weight_bits.size(),
                                 activation_bits.size()));
  }
  Cost cost;
  std::int64_t bits = options.accounting == Accounting::Disk ? 8 * options.fixed_bytes : 0;
  std::int64_t weights = 0;
  std::int64_t bits_of_weights = 0;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const int activations = activation_bits.empty() ? options.activation_bits : activation_bits[l];
    bits += size_bits(layers[l], weight_bits[l], options);
    if (weight_bits[l] != kFloatBits) {
      weights += layers[l].weight_count;
      bits_of_weights += layers[l].weight_count * weight_bits[l];
    }
    cost.weight_bytes += weight_bytes(layers[l], weight_bits[l]);
    cost.bops += bit_operations(layers[l], weight_bits[l], activations, options.mac_count);
  }
  cost.bytes = (bits + 7) / 8;
  if (weights > 0) {
    cost.average_bits = static_cast<double>(bits_of_weights) / static_cast<double>(weights);
  }
  return cost;
}

}  // namespace ompq::allocation
