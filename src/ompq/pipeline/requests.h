#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/pipeline/allocator_table.h"
#include "ompq/pipeline/layer_choices.h"
#include "ompq/pipeline/measurements.h"
#include "ompq/pipeline/model.h"
#include "ompq/tuning/quantize_weights.h"

namespace ompq::pipeline {

/// What every allocator is told alike, apart from measurements.
struct RequestOptions {
  allocation::Budget budget;
  allocation::Scheme scheme = allocation::Scheme::Free;
  std::vector<int> candidates{2, 3, 4, 5, 6, 7, 8};
  LayerChoices choices;
  std::optional<allocation::Accounting> accounting;    ///< none: what the scheme says
  std::optional<allocation::Rounding> rounding;        ///< none: depth-first
  std::vector<int> activation_candidates{8};           ///< empty: activations stay float
  int input_bits = 8;                                  ///< of network inputs, unless all is float
  std::optional<std::filesystem::path> latency_table;  ///< for Budget::latency_us
  quant::Symmetry symmetry = quant::Symmetry::Asymmetric;
  allocation::IntegerOptions integer;
  std::uint64_t seed = 0;
};

/// True where each activation gets a width of its own.
[[nodiscard]] bool chooses_activations(const RequestOptions& options);

/// "8", "4 (inputs 8)", "4,6 (inputs 8)" or "float".
[[nodiscard]] std::string activation_text(const RequestOptions& options);

/// The request under the free scheme, without losses and importance.
[[nodiscard]] allocation::AllocationRequest free_request(const Model& model,
                                                         const RequestOptions& options);

/// `free` as the allocator of `row` is asked: the paper's ranges and accounting where they hold,
/// and what was measured.
[[nodiscard]] allocation::AllocationRequest request_for(const allocation::AllocationRequest& free,
                                                        const AllocatorRow& row,
                                                        const RequestOptions& options,
                                                        const Measurements& measurements);

/// Every width that some allocator may ask a loss table for, ascending.
[[nodiscard]] std::vector<int> widths_to_measure(const allocation::AllocationRequest& free,
                                                 const RequestOptions& options);

/// A loss table's rows in the order of each layer's candidates.
[[nodiscard]] std::vector<std::vector<double>> losses_for(
    const allocation::AllocationRequest& request, const sensitivity::LossTable& table);

/// What a table says of an allocation: the sum over layers; float layers cost nothing. Nothing
/// where the table lacks a width.
[[nodiscard]] std::optional<double> predicted_loss(const sensitivity::LossTable& table,
                                                   const std::vector<int>& weight_bits);
/// The summed interactions of an allocation's layers; those of float layers are nothing.
[[nodiscard]] std::optional<double> predicted_interaction(const sensitivity::PairwiseTable& table,
                                                          const std::vector<int>& weight_bits);

}  // namespace ompq::pipeline
