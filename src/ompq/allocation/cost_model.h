#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ompq::allocation {

/// LayerCost::tied_to of a layer that decides for itself.
inline constexpr std::ptrdiff_t kUntied = -1;

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
  bool linear = false;               ///< Gemm or MatMul
  std::ptrdiff_t tied_to = kUntied;  ///< index of the layer whose width this one follows
  std::int64_t overhead_bytes = 0;   ///< Disk: nodes, names and shapes around the packed weight
};

/// What "size" means.
enum class Accounting {
  Paper,  ///< weights + 2 values per convolution's channel + linear bias, all at the chosen width
  Disk,   ///< bytes of the file that ompq writes
};

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

struct CostOptions {
  Accounting accounting = Accounting::Disk;
  MacCount mac_count = MacCount::Plain;
  int activation_bits = 8;
  bool zero_points = false;      ///< Disk: one byte for each output channel (asymmetric weights)
  std::int64_t fixed_bytes = 0;  ///< Disk: what the file holds beside the layers
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

/// Size of one layer at a width, in bits, so that every accounting is exact in integers.
[[nodiscard]] std::int64_t size_bits(const LayerCost& layer, int width, const CostOptions& options);

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
  double average_bits = 0;  ///< weight bits / weights
  std::int64_t bops = 0;
};

/// Cost of one width per layer.
/// @param activation_bits one per layer, or empty for options.activation_bits everywhere.
/// @throws ShapeError if the numbers of layers and widths differ.
[[nodiscard]] Cost total_cost(std::span<const LayerCost> layers,
                              std::span<const int> weight_bits,
                              std::span<const int> activation_bits,
                              const CostOptions& options);

}  // namespace ompq::allocation
