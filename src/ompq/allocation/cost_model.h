#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/option_binding.h"
#include "ompq/fields/declare.h"

namespace ompq::allocation {

/// LayerCost::tied_to of a layer that is not tied.
inline constexpr std::ptrdiff_t kUntied = -1;
/// LayerCost::activation of a layer whose input is not a tensor of the request.
inline constexpr std::int32_t kNoActivation = -1;
/// The "width" of float32 values: an excluded layer's weights, or an activation that is not
/// quantized. Float weights take 4 bytes each on disk and no scales, count as 32 bits in BOPs, and
/// are not part of the average bits, which are of quantized weights only.
inline constexpr int kFloatBits = 32;

/// The data from which an allocator computes a layer's cost. Counts are for one sample.
struct LayerCost {
  std::string name;
  std::int64_t weight_count = 0;
  std::int64_t bias_count = 0;  ///< elements of the constant bias, 0 if none
  std::int64_t norm_count = 0;  ///< 2 x out_channels if it has a batch norm, folded or not
  std::int64_t out_channels = 0;
  std::int64_t macs = 0;             ///< multiply-accumulates
  std::int64_t output_elements = 0;  ///< elements of the operator's output
  bool linear = false;               ///< not a convolution
  bool float_input = false;          ///< its input is never quantized
  std::ptrdiff_t tied_to = kUntied;  ///< index of the leader of its tie
  std::int64_t overhead_bytes = 0;   ///< Disk: nodes, names and shapes around the packed weight
  /// Index of its input tensor in AllocationRequest::activations. Layers that read the same tensor
  /// share its width.
  std::int32_t activation = kNoActivation;
};

/// An activation tensor that can be quantized.
struct ActivationCost {
  std::string name;
  std::int64_t elements = 0;    ///< of one sample
  std::vector<int> candidates;  ///< its own candidates, ascending; empty: the common ones
  bool network_input = false;   ///< an input of the network
};

/// The activations that are alive at one moment of a run, for the peak of activation memory.
struct LiveSet {
  std::vector<std::size_t> activations;  ///< indices into AllocationRequest::activations, each once
  std::int64_t fixed_bytes = 0;          ///< tensors with a fixed width
};

/// What counts as size.
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
  /// As in the published BOPs of ResNet-18 and ResNet-50: for a convolution its MACs + 5 for each
  /// output element (4 for the batch norm, 1 for the operator after it); for a linear layer a
  /// multiplication and an addition for each MAC + the bias additions.
  Reference,
  /// As in the reference's list for MobileNetV2: convolutions as Plain; for a linear layer its
  /// multiplications and additions, 2 x MACs - outputs, without the bias.
  FlopLinear,
};

struct CostOptions {
  Accounting accounting = Accounting::Disk;
  MacCount mac_count = MacCount::Plain;
  int activation_bits =
      8;  ///< of layers whose input is not a tensor of the request; kFloatBits: float
  /// Disk: bits of the zero point of an output channel, by the weight's width; 0: none.
  std::array<int, kMaxBits + 1> zero_point_bits{};
  std::int64_t fixed_bytes = 0;  ///< Disk: bytes of the file besides the layers
};

/// One decision: a single layer, or a leader with the layers tied to it.
struct DecisionItem {
  std::size_t leader = 0;
  std::vector<std::size_t> layers;  ///< leader and followers, ascending
};

/// Decisions in topological order of their leaders.
/// @throws ConfigError if a tie refers to a layer out of range or to a layer that is itself tied.
[[nodiscard]] std::vector<DecisionItem> decision_items(std::span<const LayerCost> layers);

/// The paper's p_i of one layer (without layers tied to it). Convolutions count two values per
/// output channel when there is a batch norm or a bias: folding a batch norm into the bias does not
/// change the count. Source: Ma et al. 2023, accounting recomputed from the published sizes.
[[nodiscard]] std::int64_t paper_parameters(const LayerCost& layer);

/// Size of one layer at a width (or kFloatBits), in bits, so that every accounting is an exact
/// integer.
[[nodiscard]] std::int64_t size_bits(const LayerCost& layer, int width, const CostOptions& options);

/// Bytes of a layer's weight codes, rounded up, without scales, biases or overhead; 4 per float
/// weight.
[[nodiscard]] std::int64_t weight_bytes(const LayerCost& layer, int width);

/// Bytes of one sample of a tensor at a width, rounded up.
[[nodiscard]] std::int64_t activation_bytes(const ActivationCost& activation, int width);

/// MACs, counted as in `count`.
[[nodiscard]] std::int64_t counted_macs(const LayerCost& layer, MacCount count);

/// MACs x weight bits x activation bits. Source: Ma et al. 2023, section on BOPs.
[[nodiscard]] std::int64_t bit_operations(const LayerCost& layer,
                                          int weight_bits,
                                          int activation_bits,
                                          MacCount count);

/// Cost of an allocation.
struct Cost {
  std::int64_t bytes = 0;   ///< rounded up to whole bytes
  double average_bits = 0;  ///< weight bits / weights, of quantized weights; 0 if there are none
  std::int64_t bops = 0;
  std::int64_t weight_bytes = 0;                 ///< only codes and float weights
  std::optional<std::int64_t> activation_bytes;  ///< peak, if live sets are known
  std::optional<double> latency_us;              ///< if there is a latency table
};

template <typename Visitor, fields::Of<Cost> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Cost", "Cost of a whole allocation.");
  v("bytes", s.bytes, "size of the file, counted as `accounting` says", fields::kCount.unneeded());
  v("average_bits",
    s.average_bits,
    "weight bits per weight, over quantized weights",
    fields::kCount.unneeded());
  v("bops", s.bops, "bit operations for one sample", fields::kCount.unneeded());
  v("weight_bytes", s.weight_bytes, "codes and float weights only", fields::kCount.unneeded());
  v("activation_bytes",
    s.activation_bytes,
    "peak memory of the activations, if known",
    fields::kCount.unneeded());
  v("latency_us",
    s.latency_us,
    "microseconds, if there is a latency table",
    fields::kCount.unneeded());
}

/// Cost of one width per layer, without activation bytes and latency (see cost_of_widths in
/// request.h).
/// @param activation_bits one per layer, or empty for options.activation_bits everywhere.
/// @throws ShapeError if the numbers of layers and widths differ.
[[nodiscard]] Cost total_cost(std::span<const LayerCost> layers,
                              std::span<const int> weight_bits,
                              std::span<const int> activation_bits,
                              const CostOptions& options);

}  // namespace ompq::allocation
