#pragma once

#include <array>
#include <functional>
#include <span>
#include <string_view>

#include "ompq/allocation/decision_model.h"
#include "ompq/allocation/problem.h"
#include "ompq/allocation/request.h"
#include "ompq/core/option_binding.h"
#include "ompq/core/row_table.h"

namespace ompq::allocation {

/// The rules under which the paper's results were obtained.
enum class Scheme {
  Free,
  PaperPtq,  ///< 2..4 bits, all layers take part
  PaperQat,  ///< 4..8 bits, first and last layer are fixed at 8
};
[[nodiscard]] constexpr auto enum_names(Scheme) {
  return std::to_array<EnumName<Scheme>>({{Scheme::Free, "default"},
                                          {Scheme::PaperPtq, "paper-ptq"},
                                          {Scheme::PaperQat, "paper-qat"}});
}

/// Sets candidates, first and last layer, accounting and MAC count as in the paper.
void apply_scheme(AllocationRequest& request, Scheme scheme);

/// A method that chooses the widths of a request.
struct Allocator {
  std::string_view name;
  std::string_view summary;
  std::function<Allocation(const AllocationRequest&)> allocate;
  std::string_view alias = {};  ///< another name that callers may give it
};

/// All solvers: integer (the default), pairwise, orm, orm-ilp, projection, size-only, uniform,
/// random. All respect pins, exclusions, candidate lists and ties. If activation widths are also
/// chosen, `integer` and `pairwise` use activation_loss, `orm-ilp` values a bit of a tensor as the
/// mean over the layers that read it, `size-only`, `uniform` and `random` treat tensors like
/// layers, and the paper's `orm` and `projection` use each tensor's largest candidate.
[[nodiscard]] std::span<const Allocator> allocators();
/// The same, for temporarily added rows; see search::ScopedAllocator.
[[nodiscard]] RowTable<Allocator>& allocator_rows();
/// The row of a name or an alias. @throws ConfigError listing the known names.
[[nodiscard]] const Allocator& allocator(std::string_view name);

/// The exact optimum of `model`'s values under its budgets. A new allocator only needs to set the
/// values.
/// @throws InfeasibleBudget; ConfigError if decisions cannot be joined (joint_items.h).
[[nodiscard]] Allocation solve_exactly(const AllocationRequest& request,
                                       const DecisionModel& model,
                                       Sense sense);

}  // namespace ompq::allocation
