#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "ompq/allocation/request.h"
#include "ompq/core/random.h"

namespace ompq::testing {

/// What a random request has.
struct RequestRecipe {
  std::size_t layers = 5;
  int budgets = 1;         ///< 1: size; 2: and BOPs; 3: and average bits; 4: and latency
  bool own_lists = false;  ///< pins, exclusions, and lists of candidates of single layers
  bool ties = false;
  bool activations = false;  ///< widths of activations are chosen, some shared; with live sets
  bool pairs = false;
};

/// Layers of all magnitudes with losses that mostly fall with the width; budgets that some but not
/// all choices hold.
[[nodiscard]] allocation::AllocationRequest random_request(const RequestRecipe& recipe,
                                                           Random& random);

/// Calls `visit` with the weight widths per layer and the widths per tensor of every choice that
/// respects candidates and ties.
void for_each_choice(const allocation::AllocationRequest& request,
                     const std::function<void(const std::vector<int>& weight_bits,
                                              const std::vector<int>& tensor_bits)>& visit);

/// Per layer, from the widths of tensors.
[[nodiscard]] std::vector<int> activation_bits_of(const allocation::AllocationRequest& request,
                                                  const std::vector<int>& tensor_bits);

/// Whether a cost holds every budget that is set, by plain comparison.
[[nodiscard]] bool holds(const allocation::AllocationRequest& request,
                         const allocation::Cost& cost);

/// Sum of losses of layers, activations and pairs.
[[nodiscard]] double loss_of(const allocation::AllocationRequest& request,
                             const std::vector<int>& weight_bits,
                             const std::vector<int>& tensor_bits,
                             bool with_pairs);

/// The least loss of all choices that hold the budgets; nothing where none does.
[[nodiscard]] std::optional<double> min_loss(const allocation::AllocationRequest& request,
                                             bool with_pairs);

}  // namespace ompq::testing
