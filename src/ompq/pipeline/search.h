#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/allocation_file.h"
#include "ompq/allocation/allocators.h"
#include "ompq/pipeline/features.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/samples.h"
#include "ompq/report/results.h"
#include "ompq/sensitivity/output_error.h"

namespace ompq::pipeline {

struct SearchOptions {
  allocation::Budget budget;
  allocation::Scheme scheme = allocation::Scheme::Free;
  std::string allocator = "output-error";
  /// Allocators whose answer to the same budget is put beside the chosen one.
  std::vector<std::string> beside{"uniform", "size-only", "orm"};
  std::vector<int> candidates{2, 3, 4, 5, 6, 7, 8};
  std::optional<allocation::Accounting> accounting;  ///< none: what the scheme says
  std::optional<allocation::Rounding> rounding;      ///< none: depth-first
  double beta = 1.0;
  std::optional<int> activation_bits = 8;  ///< none: activations stay float
  tuning::WeightOptions weights;
  onnx_io::WeightFormat format = onnx_io::WeightFormat::Packed;
  std::int64_t batch_size = 64;
  runtime::ExecutorOptions executor;  ///< of the passes that measure
  allocation::IntegerOptions integer;
};

struct SearchOutcome {
  report::Search report;
  /// In the order of report.allocations; empty where an allocator refused.
  std::vector<std::optional<allocation::Allocation>> allocations;
  allocation::AllocationFile chosen;  ///< what bits.json holds
};

/// Measures orthogonality and output error on `samples`, and allocates bits under the budget.
/// With the disk accounting, the chosen allocation's file never exceeds a size budget.
/// @throws InfeasibleBudget if the chosen allocator has no answer; one that stands beside it is
/// reported as refused.
[[nodiscard]] SearchOutcome search(const Model& model,
                                   Samples& samples,
                                   const SearchOptions& options,
                                   const ProgressHandler& progress = {});

}  // namespace ompq::pipeline
