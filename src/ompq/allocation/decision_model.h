#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ompq/allocation/cost_model.h"
#include "ompq/allocation/problem.h"
#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// A decision about a width: of the weights of a layer or tie, or of an activation tensor.
struct Decision {
  enum class Kind : std::uint8_t { Weights, Activation };

  std::string name;
  Kind kind = Kind::Weights;
  std::size_t index = 0;  ///< into DecisionModel::groups, or AllocationRequest::activations
  std::size_t layers = 1;
  std::vector<int> widths;                       ///< candidates, ascending
  std::vector<double> values;                    ///< [width], initially 0
  std::vector<std::vector<std::int64_t>> costs;  ///< [constraint][width]
};

/// A joint cost or loss of two decisions: BOPs and latency of weights and the activation that they
/// are multiplied with, or the interaction of two layers.
struct Coupling {
  std::size_t first = 0;  ///< decisions
  std::size_t second = 0;
  /// [constraint][width of first * widths of second + width of second]; empty for constraints that
  /// it does not affect.
  std::vector<std::vector<std::int64_t>> costs;
  std::vector<double> values;  ///< indexed like a row of costs; empty: none
};

/// A request as decisions with exact costs: ties, pins, exclusions and fixed widths are resolved,
/// and their cost is in Constraint::base.
struct DecisionModel {
  std::vector<DecisionItem> groups;  ///< all decisions over weights, including fixed ones
  std::vector<Constraint> constraints;
  std::vector<Decision> decisions;  ///< the open ones: weights in layer order, then activations
  std::vector<Coupling> couplings;  ///< of costs
  std::vector<std::vector<int>> group_widths;   ///< [group] candidates; one if fixed
  std::vector<std::vector<int>> tensor_widths;  ///< [activation], likewise
  std::vector<std::ptrdiff_t> group_decision;   ///< [group] index into decisions, -1 if fixed
  std::vector<std::ptrdiff_t> tensor_decision;  ///< [activation], likewise
  std::vector<int> fixed_activations;  ///< [layer], if its input is not a tensor of the request
};

/// A choice for a DecisionModel: index into Decision::widths, per decision.
using DecisionChoice = std::vector<std::size_t>;

/// @throws ConfigError for invalid candidates or budgets, or tables that do not fit the layers;
/// DataError if the latency table lacks widths that may be chosen.
[[nodiscard]] DecisionModel make_model(const AllocationRequest& request);

/// Values from request.loss and request.activation_loss, to be minimized.
/// @throws ConfigError if a table does not have a row for each layer (or activation) with a value
/// for each candidate.
void set_losses(DecisionModel& model, const AllocationRequest& request);

/// The request's pair losses as couplings of values; pairs of one decision and pairs with a fixed
/// layer go into Decision::values.
/// @throws ConfigError if a pair refers to a layer out of range, or its table has the wrong size.
[[nodiscard]] std::vector<Coupling> pair_couplings(DecisionModel& model,
                                                   const AllocationRequest& request);

/// Exact costs per constraint, including base.
[[nodiscard]] std::vector<std::int64_t> costs_of(const DecisionModel& model,
                                                 const DecisionChoice& choice);
[[nodiscard]] bool fits(const DecisionModel& model, const std::vector<std::int64_t>& costs);

/// The choice that corresponds to an allocation.
/// @throws ConfigError for a width that is not a candidate.
[[nodiscard]] DecisionChoice choice_of(const DecisionModel& model,
                                       const AllocationRequest& request,
                                       const Allocation& allocation);

/// Widths and cost of a choice.
[[nodiscard]] Allocation make_allocation(const AllocationRequest& request,
                                         const DecisionModel& model,
                                         const DecisionChoice& choice,
                                         Solution solution);

}  // namespace ompq::allocation
