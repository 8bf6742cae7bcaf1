#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/allocation/allocators.h"

namespace ompq::search {

/// A way to decide bits that a person can ask for by name: what is measured, and who solves.
struct AllocatorRow {
  std::string_view name;
  std::string_view summary;
  std::string_view metric;  ///< of sensitivity::metrics(); "" where no layer is measured
  std::string_view solver;  ///< of allocation::allocators(); "" for `auto`, which tries others
  bool importance = false;  ///< reads the paper's importance, which comes from orthogonality
  bool papers = false;      ///< stays in the paper's ranges (2..4 bits) unless a scheme says more
};

/// auto first, then by metric, then by rule.
[[nodiscard]] std::span<const AllocatorRow> allocator_table();
/// @throws ConfigError with the nearest name and all names.
[[nodiscard]] const AllocatorRow& allocator_row(std::string_view name);

/// The scheme under which an allocator is asked.
[[nodiscard]] allocation::Scheme scheme_for(const AllocatorRow& row, allocation::Scheme asked);

}  // namespace ompq::search
