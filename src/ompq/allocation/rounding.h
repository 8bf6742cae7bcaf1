#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ompq/allocation/problem.h"
#include "ompq/core/option_binding.h"

namespace ompq::allocation {

/// How continuous widths are rounded to candidates.
enum class Rounding {
  Nearest,     ///< each separately, halves up; may exceed the budget
  DepthFirst,  ///< floor or ceil of each, the largest total cost that does not exceed the budget
};
[[nodiscard]] constexpr auto enum_names(Rounding) {
  return std::to_array<EnumName<Rounding>>(
      {{Rounding::Nearest, "nearest"}, {Rounding::DepthFirst, "dfs"}});
}

/// Index of the candidate nearest to each width.
[[nodiscard]] std::vector<std::size_t> round_nearest(const Problem& problem,
                                                     std::span<const double> widths);

/// Floor or ceil of every width such that the cost under the problem's only constraint is the
/// largest one that does not exceed the continuous total (or the limit, where rounding errors put
/// the total above it). Among equal totals, the first one in a depth-first search that tries the
/// floor before the ceil, layer by layer. The reference enumerates; this gives the same result by
/// dynamic programming over the costs, in O(items x budget / greatest common divisor).
/// @throws ConfigError if the problem does not have exactly one constraint, or the table would take
/// more than 2^30 entries.
/// Source: Ma et al. 2023, the rounding of the ResNet-18 post-training results.
[[nodiscard]] std::vector<std::size_t> round_depth_first(const Problem& problem,
                                                         std::span<const double> widths);

[[nodiscard]] std::vector<std::size_t> round_widths(const Problem& problem,
                                                    std::span<const double> widths,
                                                    Rounding rounding);

}  // namespace ompq::allocation
