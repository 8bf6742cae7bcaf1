#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/option_binding.h"

namespace ompq::allocation {

/// LayerCost::tied_to of a layer that decides for itself.
inline constexpr std::ptrdiff_t kUntied = -1;
/// LayerCost::activation of a layer whose input is no tensor of the request.
inline constexpr std::int32_t kNoActivation = -1;
/// The "width" of what stays float32: an excluded layer's weights, an activation that is not
/// quantized. Float weights take 4 bytes each on disk and no scales, count as 32 bits in BOPs, and
/// have no part in the average bits, which speaks of quantized weights alone.
inline constexpr int kFloatBits = 32;

/// What a layer costs, as far as an allocator needs to know: counts for one sample, no tensors.
struct LayerCost {
  std::string name;
  std::int64_t weight_count = 0;
  std::int64_t bias_count = 0;  ///< elements of the constant bias, 0 if none
  std::int64_t norm_count =
      0;  ///< 2 x out_channels where a batch norm belongs to it, folded or not
  std::int64_t out_channels = 0;
  std::int64_t macs = 0;             ///< multiply-accumulates
  std::int64_t output_elements = 0;  ///< elements that the operator makes
  bool linear = false;               ///< no convolution
  bool float_input = false;          ///< what it reads is never quantized
  std::ptrdiff_t tied_to = kUntied;  ///< index of the layer whose width this one follows
  std::int64_t overhead_bytes = 0;   ///< Disk: nodes, names and shapes around the packed weight
  /// Index of the activation tensor that it reads, in AllocationRequest::activations. Layers that
  /// read the same tensor share its width.
  std::int32_t activation = kNoActivation;
};

/// An activation tensor that can be quantized.
struct ActivationCost {
  std::string name;
  std::int64_t elements = 0;    ///< of one sample
  std::vector<int> candidates;  ///< widths of its own, ascending; empty: the common ones
  bool network_input = false;   ///< what the network is given, which no layer has made
};

/// What is alive at one moment of a run, for the peak of activation memory.
struct LiveSet {
  std::vector<std::size_t> activations;  ///< indices into AllocationRequest::activations, each once
  std::int64_t fixed_bytes = 0;          ///< tensors whose width nobody chooses
};

/// What "size" means.
enum class Accounting {
  Paper,  ///< weights + 2 values per convolution's channel + linear bias, all at the chosen width
  Disk,   ///< bytes of the file that ompq writes
};
[[nodiscard]] constexpr auto enum_names(Accounting) {
  return std::to_array<EnumName<Accounting>>(
      {{Accounting::Paper, "paper"}, {Accounting::Disk, "disk"}});
}

/// How multiply-accumulates are counted for BOPs.
enum class MacCount {
  Plain,  ///< LayerCost::macs
  /// What the published BOPs of ResNet-18 and ResNet-50 count: for a convolution its MACs + 5 for
  /// each output element (4 for the batch norm, 1 for what follows it); for a linear layer a
  /// multiplication and an addition for each MAC + the bias additions.
  Reference,
  /// What the reference's list for MobileNetV2 counts: convolutions as Plain; for a linear layer
  /// its products and their sums, 2 x MACs - outputs, without the bias.
  FlopLinear,
};

/// Weights of so few bits have no zero points, whatever CostOptions says (quant::weight_symmetry).
inline constexpr int kMostBitsWithoutZeroPoints = 1;

struct CostOptions {
  Accounting accounting = Accounting::Disk;
  MacCount mac_count = MacCount::Plain;
  int activation_bits = 8;   ///< of layers that read no tensor of the request; kFloatBits: float
  bool zero_points = false;  ///< Disk: one code more for each output channel (asymmetric weights)
  std::int64_t fixed_bytes = 0;  ///< Disk: what the file holds besides the layers
};

/// One decision: a layer alone, or a leader with the layers tied to it.
struct DecisionItem {
  std::size_t leader = 0;
  std::vector<std::size_t> layers;  ///< leader and followers, ascending
};

/// Decisions in topological order of their leaders.
/// @throws ConfigError if a tie points outside of `layers` or at a layer that is itself tied.
[[nodiscard]] std::vector<DecisionItem> decision_items(std::span<const LayerCost> layers);

/// The paper's p_i of one layer (without what is tied to it). Convolutions count two values per
/// output channel when there is a batch norm or a bias: folding a batch norm into the bias does not
/// change the count. Source: Ma et al. 2023, accounting recomputed from the published sizes.
[[nodiscard]] std::int64_t paper_parameters(const LayerCost& layer);

/// Size of one layer at a width (or kFloatBits), in bits, so that every accounting is exact in
/// integers.
[[nodiscard]] std::int64_t size_bits(const LayerCost& layer, int width, const CostOptions& options);

/// Whole bytes that the codes of a layer's weights take, without scales, biases or overhead; 4 for
/// each float weight.
[[nodiscard]] std::int64_t weight_bytes(const LayerCost& layer, int width);

/// Whole bytes of one sample of a tensor at a width.
[[nodiscard]] std::int64_t activation_bytes(const ActivationCost& activation, int width);

/// MACs as `count` says.
[[nodiscard]] std::int64_t counted_macs(const LayerCost& layer, MacCount count);

/// MACs x weight bits x activation bits. Source: Ma et al. 2023, section on BOPs.
[[nodiscard]] std::int64_t bit_operations(const LayerCost& layer,
                                          int weight_bits,
                                          int activation_bits,
                                          MacCount count);

/// What a whole allocation costs.
struct Cost {
  std::int64_t bytes = 0;   ///< rounded up to whole bytes
  double average_bits = 0;  ///< weight bits / weights, of quantized weights; 0 where there are none
  std::int64_t bops = 0;
  std::int64_t weight_bytes = 0;                 ///< codes and float weights alone
  std::optional<std::int64_t> activation_bytes;  ///< peak, where live sets are known
  std::optional<double> latency_us;              ///< where a latency table is known
};

/// Cost of one width per layer; activation bytes and latency are left out (cost_of_widths in
/// request.h knows them).
/// @param activation_bits one per layer, or empty for options.activation_bits everywhere.
/// @throws ShapeError if the numbers of layers and widths differ.
[[nodiscard]] Cost total_cost(std::span<const LayerCost> layers,
                              std::span<const int> weight_bits,
                              std::span<const int> activation_bits,
                              const CostOptions& options);

}  // namespace ompq::allocation
