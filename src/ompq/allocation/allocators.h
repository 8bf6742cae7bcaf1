#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "ompq/allocation/decision_model.h"
#include "ompq/allocation/problem.h"
#include "ompq/allocation/request.h"
#include "ompq/core/row_table.h"

namespace ompq::allocation {

/// Rules that the paper's results were made under.
enum class Scheme {
  Free,
  PaperPtq,  ///< 2..4 bits, all layers take part
  PaperQat,  ///< 4..8 bits, first and last layer are fixed at 8
};

/// Sets candidates, first and last layer, accounting and MAC count as the paper has them.
void apply_scheme(AllocationRequest& request, Scheme scheme);

/// A way to turn a request into widths.
struct Allocator {
  std::string_view name;
  std::string_view summary;
  std::function<Allocation(const AllocationRequest&)> allocate;
  std::string_view alias = {};  ///< another name that callers may give it
};

/// All solvers: integer (the default), pairwise, orm, orm-ilp, projection, size-only, uniform,
/// random. All respect pins, exclusions, candidate lists and ties. Where activation widths are
/// chosen too: `integer` and `pairwise` weigh them by activation_loss, `orm-ilp` values a bit of a
/// tensor as the mean of the layers that read it, `size-only`, `uniform` and `random` treat tensors
/// as layers, and the paper's own `orm` and `projection` leave each at its largest candidate.
[[nodiscard]] std::span<const Allocator> allocators();
/// The same, to which a row can be added for a while; see search::ScopedAllocator.
[[nodiscard]] RowTable<Allocator>& allocator_rows();
/// The row of a name or an alias. @throws ConfigError listing the known names.
[[nodiscard]] const Allocator& allocator(std::string_view name);

/// The exact optimum of `model`'s values under its budgets: what a new allocator needs to write.
/// @throws InfeasibleBudget; ConfigError where decisions cannot be joined (joint_items.h).
[[nodiscard]] Allocation solve_exactly(const AllocationRequest& request,
                                       const DecisionModel& model,
                                       Sense sense);

}  // namespace ompq::allocation
