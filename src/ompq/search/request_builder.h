#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/pipeline/model.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/search/allocator_table.h"
#include "ompq/search/layer_choices.h"
#include "ompq/search/measurements.h"
#include "ompq/search/request_options.h"

namespace ompq::search {

/// True if each activation gets its own width.
[[nodiscard]] bool chooses_activations(const RequestOptions& options);

/// "8", "4 (inputs 8)", "4,6 (inputs 8)" or "float".
[[nodiscard]] std::string activation_text(const RequestOptions& options);

/// The request with the default scheme, without losses and importance.
[[nodiscard]] allocation::AllocationRequest free_request(const pipeline::Model& model,
                                                         const RequestOptions& options);

/// The request for the allocator `row`: `free` with the paper's ranges and accounting if they
/// apply, and the measurements.
[[nodiscard]] allocation::AllocationRequest request_for(const allocation::AllocationRequest& free,
                                                        const AllocatorRow& row,
                                                        const RequestOptions& options,
                                                        const Measurements& measurements);

/// All widths that an allocator may need in a loss table, ascending.
[[nodiscard]] std::vector<int> widths_to_measure(const allocation::AllocationRequest& free,
                                                 const RequestOptions& options);

/// A loss table's rows in the order of each layer's candidates.
[[nodiscard]] std::vector<std::vector<double>> losses_for(
    const allocation::AllocationRequest& request, const sensitivity::LossTable& table);

/// The predicted loss of an allocation: the sum over layers, 0 for float layers. Nullopt if the
/// table lacks a width.
[[nodiscard]] std::optional<double> predicted_loss(const sensitivity::LossTable& table,
                                                   const std::vector<int>& weight_bits);
/// The sum of interactions of an allocation's layers, 0 for float layers.
[[nodiscard]] std::optional<double> predicted_interaction(const sensitivity::PairwiseTable& table,
                                                          const std::vector<int>& weight_bits);

/// True if the weights' widths are candidates of the request: the paper's ranges may have others.
[[nodiscard]] bool has_candidates_only(const allocation::AllocationRequest& request,
                                       const allocation::Allocation& allocation);

}  // namespace ompq::search
