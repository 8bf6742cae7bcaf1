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

/// The interaction of two layers: their joint loss minus the sum of their single losses (CLADO's
/// cross terms).
struct PairLoss {
  std::size_t first = 0;  ///< layers
  std::size_t second = 0;
  /// [candidate of first][candidate of second], in the order of candidates_of. May be negative.
  std::vector<std::vector<double>> loss;
};

/// The input of an allocator: the candidates, their costs and their values.
struct AllocationRequest {
  std::vector<LayerCost> layers;  ///< topological order

  // Candidates.
  std::vector<int> candidates{2, 3, 4, 5, 6, 7, 8};  ///< of layers without their own list
  /// Per layer, or empty. An empty list means `candidates`; a pinned layer has one candidate, an
  /// excluded one {kFloatBits}. Lists of tied layers are intersected; a tied layer without a list
  /// uses the others'. A list overrides `first_last_bits`.
  std::vector<std::vector<int>> layer_candidates;
  /// Width of the first and last decision, for weights and their input.
  std::optional<int> first_last_bits;
  std::vector<ActivationCost> activations;  ///< tensors referred to by LayerCost::activation
  std::optional<int> input_bits;            ///< of network inputs; nullopt: as all activations
  /// Widths of tensors without their own list, ascending, may include kFloatBits. Empty: only
  /// cost.activation_bits.
  std::vector<int> activation_candidates;

  // Budgets and costs.
  Budget budget;
  CostOptions cost;
  std::int64_t float_bytes = 0;    ///< for Budget::compression
  std::vector<LiveSet> live_sets;  ///< for Budget::activation_bytes
  LatencyTable latency;            ///< for Budget::latency_us

  // Values.
  /// [layer][candidate of candidates_of], lower is better: the effect of each layer's quantization
  /// under any metric. The row of a layer with one candidate may be empty or of another length, and
  /// then counts as 0. For `integer` and `pairwise`.
  std::vector<std::vector<double>> loss;
  /// [activation][candidate of activation_candidates_of], on the scale of `loss`.
  std::vector<std::vector<double>> activation_loss;
  std::vector<PairLoss> pairs;  ///< for `pairwise`
  /// One per decision of decision_items(layers): the value of a bit (orm::Importance::coefficients
  /// of the leaders). For `orm` and `orm-ilp`.
  std::vector<double> coefficients;

  Rounding rounding = Rounding::DepthFirst;  ///< `orm` and `projection`
  IntegerOptions integer;
  std::uint64_t seed = 0;  ///< `random`
};

/// The widths that a solver chose, with their cost.
struct Allocation {
  std::vector<int> weight_bits;      ///< per layer; kFloatBits if it is excluded
  std::vector<int> activation_bits;  ///< per layer: of its input; kFloatBits if it is float
  std::vector<int> tensor_bits;      ///< per AllocationRequest::activations
  Cost cost;
  Solution solution;
};

/// False if every layer and activation has one candidate. Independent of the budget.
[[nodiscard]] bool leaves_a_choice(const AllocationRequest& request);

/// The candidate widths of a layer's weights, from its tie, its own list, first_last_bits and the
/// common candidates. One entry if there is no choice.
/// @throws ConfigError for lists that are empty, not ascending or outside 1..8 (or only
/// kFloatBits), for a wrong number of lists, or for lists of tied layers without a common width
/// (naming both).
[[nodiscard]] std::vector<int> candidates_of(const AllocationRequest& request, std::size_t layer);
/// For all layers, [layer].
[[nodiscard]] std::vector<std::vector<int>> candidates_of(const AllocationRequest& request);

/// The candidate widths of every activation tensor: its own list; else first_last_bits if the first
/// or last decision reads it; else {kFloatBits} if only excluded layers read it; else input_bits if
/// it is a network input; else the common candidates. If activations are float
/// (cost.activation_bits is kFloatBits, and no candidates), all are float.
/// @throws ConfigError as candidates_of.
[[nodiscard]] std::vector<std::vector<int>> activation_candidates_of(
    const AllocationRequest& request);

/// Per layer: the width of its input, if that is not a tensor of the request: float for an excluded
/// layer, first_last_bits for first and last, else cost.activation_bits.
[[nodiscard]] std::vector<int> fixed_activation_bits(const AllocationRequest& request);

/// Per layer: the widest candidate of its input.
[[nodiscard]] std::vector<int> widest_activation_bits(const AllocationRequest& request);

/// Peak over `live_sets` of the bytes of one sample's activations that are alive at once.
[[nodiscard]] std::int64_t peak_activation_bytes(std::span<const LiveSet> live_sets,
                                                 std::span<const ActivationCost> activations,
                                                 std::span<const int> tensor_bits);

/// The cost of one width per layer and tensor, including activation peak and latency if the request
/// has their data.
/// @param activation_bits  per layer. @param tensor_bits  per activation.
/// @throws ShapeError if the numbers of layers, tensors and widths differ.
[[nodiscard]] Cost cost_of_widths(const AllocationRequest& request,
                                  std::span<const int> weight_bits,
                                  std::span<const int> activation_bits,
                                  std::span<const int> tensor_bits);

}  // namespace ompq::allocation
