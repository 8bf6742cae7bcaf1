#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/core/row_table.h"
#include "ompq/sensitivity/metric.h"

namespace ompq::search {

/// An allocator that users can select by name: the metric that is measured, and the solver. An
/// allocator needs only this row and its solver; no other code depends on its name.
struct AllocatorRow {
  std::string_view name;
  std::string_view summary;
  std::string_view metric;    ///< of sensitivity::metrics(); "" if layers are not measured
  std::string_view solver;    ///< of allocation::allocators(); "" for `auto`, which tries others
  bool pairs = false;         ///< reads pairwise losses of two layers of a block
  bool importance = false;    ///< reads the paper's importance, computed from orthogonality
  bool paper_ranges = false;  ///< uses the paper's ranges (2..4 bits) unless a scheme has more
  bool is_random = false;     ///< the random baseline, which is not compared as a candidate
  /// The value of --solver that selects this one instead of the paper's allocator; "lp" is itself.
  std::string_view paper_solver = {};

  /// `auto`
  [[nodiscard]] bool tries_others() const { return solver.empty(); }
};

/// auto first, then by metric, then by rule. Every metric with a solver is an allocator.
[[nodiscard]] std::span<const AllocatorRow> allocator_table();
/// The same, for temporarily added rows; see added_rows.h.
[[nodiscard]] RowTable<AllocatorRow>& allocator_table_rows();
/// @throws ConfigError with the nearest name and all names.
[[nodiscard]] const AllocatorRow& allocator_row(std::string_view name);
/// The allocator of the same name as `metric`, which has a solver.
[[nodiscard]] AllocatorRow row_of_metric(const sensitivity::Metric& metric);
/// The paper's allocator with this --solver. @throws InternalError if no allocator has it.
[[nodiscard]] const AllocatorRow& paper_row(std::string_view solver = "lp");

/// The scheme that an allocator is used with.
[[nodiscard]] allocation::Scheme scheme_for(const AllocatorRow& row, allocation::Scheme asked);

/// The metrics that are measured at the network's outputs.
[[nodiscard]] std::vector<std::string> output_metrics();

}  // namespace ompq::search
