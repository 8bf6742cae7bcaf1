#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/core/row_table.h"
#include "ompq/sensitivity/metric.h"

namespace ompq::search {

/// A way to decide bits that a person can ask for by name: what is measured, and who solves. This
/// row is all that an allocator needs besides its solver: nothing else asks for its name.
struct AllocatorRow {
  std::string_view name;
  std::string_view summary;
  std::string_view metric;  ///< of sensitivity::metrics(); "" where no layer is measured
  std::string_view solver;  ///< of allocation::allocators(); "" for `auto`, which tries others
  bool pairs = false;       ///< reads what two layers of a block cost together
  bool importance = false;  ///< reads the paper's importance, which comes from orthogonality
  bool papers = false;      ///< stays in the paper's ranges (2..4 bits) unless a scheme says more
  bool chance = false;      ///< the measure of chance, which is no rival to the others
  /// The value of --solver by which the paper's allocator becomes this one; "lp" is itself.
  std::string_view paper_solver = {};

  /// `auto`
  [[nodiscard]] bool tries_others() const { return solver.empty(); }
};

/// auto first, then by metric, then by rule. Every metric with a solver is an allocator.
[[nodiscard]] std::span<const AllocatorRow> allocator_table();
/// The same, to which a row can be added for a while; see added_rows.h.
[[nodiscard]] RowTable<AllocatorRow>& allocator_table_rows();
/// @throws ConfigError with the nearest name and all names.
[[nodiscard]] const AllocatorRow& allocator_row(std::string_view name);
/// The allocator of the same name as `metric`, which has a solver.
[[nodiscard]] AllocatorRow row_of_metric(const sensitivity::Metric& metric);
/// The paper's allocator under --solver. @throws InternalError for a solver of none.
[[nodiscard]] const AllocatorRow& paper_row(std::string_view solver = "lp");

/// The scheme under which an allocator is asked.
[[nodiscard]] allocation::Scheme scheme_for(const AllocatorRow& row, allocation::Scheme asked);

}  // namespace ompq::search
