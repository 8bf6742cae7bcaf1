#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ompq/allocation/budget.h"
#include "ompq/allocation/cost_model.h"
#include "ompq/allocation/integer_program.h"
#include "ompq/allocation/latency_table.h"
#include "ompq/allocation/problem.h"
#include "ompq/allocation/rounding.h"

namespace ompq::allocation {

/// What two layers lose together beyond what each loses alone (CLADO's cross terms).
struct PairLoss {
  std::size_t first = 0;  ///< layers
  std::size_t second = 0;
  /// [candidate of first][candidate of second], in the order of candidates_of. May be negative.
  std::vector<std::vector<double>> loss;
};

/// Everything an allocator may look at: what can be chosen, what it costs, what it is worth.
struct AllocationRequest {
  std::vector<LayerCost> layers;  ///< topological order

  // What can be chosen.
  std::vector<int> candidates{2, 3, 4, 5, 6, 7, 8};  ///< of layers without a list of their own
  /// Per layer, or empty. An empty list means `candidates`; a pinned layer has one candidate, an
  /// excluded one {kFloatBits}. Lists of tied layers are intersected; a tied layer without a list
  /// takes the others'. A list stands above `first_last_bits`.
  std::vector<std::vector<int>> layer_candidates;
  /// First and last decision keep this width, for weights and the activation that they read.
  std::optional<int> first_last_bits;
  std::vector<ActivationCost> activations;  ///< tensors that LayerCost::activation points at
  std::optional<int> input_bits;            ///< of network inputs; none: as all activations
  /// Widths of tensors without a list of their own, ascending; kFloatBits may stand among them.
  /// Empty: cost.activation_bits alone.
  std::vector<int> activation_candidates;

  // What it may cost.
  Budget budget;
  CostOptions cost;
  std::int64_t float_bytes = 0;    ///< for Budget::compression
  std::vector<LiveSet> live_sets;  ///< for Budget::activation_bytes
  LatencyTable latency;            ///< for Budget::latency_us

  // What it is worth.
  /// [layer][candidate of candidates_of], lower is better: the effect of each layer's quantization
  /// under any metric. The row of a layer with one candidate may be empty or of another length and
  /// then counts 0. For `integer` and `pairwise`.
  std::vector<std::vector<double>> loss;
  /// [activation][candidate of activation_candidates_of], on the scale of `loss`.
  std::vector<std::vector<double>> activation_loss;
  std::vector<PairLoss> pairs;  ///< for `pairwise`
  /// One per decision of decision_items(layers): what a bit is worth (orm::Importance::coefficients
  /// of the leaders). For `orm` and `orm-ilp`.
  std::vector<double> coefficients;

  Rounding rounding = Rounding::DepthFirst;  ///< `orm` and `projection`
  IntegerOptions integer;
  std::uint64_t seed = 0;  ///< `random`
};

/// The widths a solver chose, with what they cost.
struct Allocation {
  std::vector<int> weight_bits;      ///< per layer; kFloatBits where it is excluded
  std::vector<int> activation_bits;  ///< per layer: of what it reads; kFloatBits where it is float
  std::vector<int> tensor_bits;      ///< per AllocationRequest::activations
  Cost cost;
  Solution solution;
};

/// False where every layer and activation has one width. The budget does not matter.
[[nodiscard]] bool leaves_a_choice(const AllocationRequest& request);

/// The candidate widths of a layer's weights: what its tie, its own list, first_last_bits and the
/// common candidates leave. One entry where there is no choice.
/// @throws ConfigError for lists that are empty, not ascending or outside of 1..8 (or kFloatBits
/// alone), of a wrong number, or that tied layers have nothing of in common (naming both).
[[nodiscard]] std::vector<int> candidates_of(const AllocationRequest& request, std::size_t layer);
/// All of them at once, [layer].
[[nodiscard]] std::vector<std::vector<int>> candidates_of(const AllocationRequest& request);

/// The candidate widths of every activation tensor: its own list; else first_last_bits where the
/// first or last decision reads it; else {kFloatBits} where excluded layers alone read it; else
/// input_bits where it is a network input; else the common candidates. Activations that are float
/// as a whole (cost.activation_bits is kFloatBits, and no candidates) stay float everywhere.
/// @throws ConfigError as candidates_of.
[[nodiscard]] std::vector<std::vector<int>> activation_candidates_of(
    const AllocationRequest& request);

/// Per layer: the width of what it reads, where that is no tensor of the request: float for an
/// excluded layer, first_last_bits for first and last, cost.activation_bits else.
[[nodiscard]] std::vector<int> fixed_activation_bits(const AllocationRequest& request);

/// Per layer: the widest candidate of what it reads.
[[nodiscard]] std::vector<int> widest_activation_bits(const AllocationRequest& request);

/// Peak over `live_sets` of the bytes of one sample's activations that are alive at once.
[[nodiscard]] std::int64_t peak_activation_bytes(std::span<const LiveSet> live_sets,
                                                 std::span<const ActivationCost> activations,
                                                 std::span<const int> tensor_bits);

/// Everything that one width per layer and tensor costs, activation peak and latency included where
/// the request knows them.
/// @param activation_bits  per layer. @param tensor_bits  per activation.
/// @throws ShapeError if numbers differ.
[[nodiscard]] Cost cost_of_widths(const AllocationRequest& request,
                                  std::span<const int> weight_bits,
                                  std::span<const int> activation_bits,
                                  std::span<const int> tensor_bits);

}  // namespace ompq::allocation
