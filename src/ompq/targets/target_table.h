#pragma once

#include <string_view>

#include "ompq/core/row_table.h"
#include "ompq/graph/operator_traits.h"

/// Where a written file will run, and what follows from it: which values are quantized, in which
/// form, and how layers are written.
namespace ompq::targets {

/// A row of the table of targets.
struct TargetRow {
  std::string_view name;
  std::string_view summary;
  /// Layers with quantized inputs are written for integer kernels: weights as int8 levels, biases
  /// as int32, one scale for each activation, and quantizers also between operators. Otherwise
  /// layers run in float between quantizers, with the same result to the bit in every runtime.
  bool integer_kernels = false;
};

/// exact first.
[[nodiscard]] RowTable<TargetRow>& target_table();
/// @throws ConfigError with the nearest name and all names.
[[nodiscard]] const TargetRow& target(std::string_view name);

inline constexpr std::string_view kDefaultTarget = "exact";

}  // namespace ompq::targets
