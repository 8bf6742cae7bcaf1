#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/row_table.h"

/// Where a written file will run, and what follows from it: which values are quantized, in which
/// form, and how layers are written.
namespace ompq::targets {

/// A row of the table of targets.
struct TargetRow {
  std::string_view name;
  /// Layers with quantized inputs are written for integer kernels: weights as int8 levels, biases
  /// as int32, one scale for each activation, and quantizers also between operators. Otherwise
  /// layers run in float between quantizers, with the same result to the bit in every runtime.
  bool integer_kernels = false;
  /// With integer kernels: the largest absolute value of a weight's level. int8 holds 128; without
  /// VNNI, sums of two products of uint8 and int8 are only safe from overflow of 16 bits up to 64.
  int largest_level = 128;

  /// False if levels of `bits` bits may be larger than largest_level.
  [[nodiscard]] bool supports(BitWidth bits) const {
    return !integer_kernels || bits.levels() / 2 <= largest_level;
  }
  /// True if only symmetric levels of `bits` bits cannot be larger than largest_level.
  [[nodiscard]] bool needs_symmetric(BitWidth bits) const {
    return integer_kernels && bits.levels() - 1 > largest_level;
  }
};

/// exact first.
[[nodiscard]] RowTable<TargetRow>& target_table();
/// @throws ConfigError with the nearest name and all names.
[[nodiscard]] const TargetRow& target(std::string_view name);
/// The widths that the target's kernels support; 32 (float) always is.
/// @param whose  for the error, such as "layer 'conv1'". @throws ConfigError if none is left.
[[nodiscard]] std::vector<int> supported_widths(const TargetRow& target,
                                                const std::vector<int>& widths,
                                                const std::string& whose);

inline constexpr std::string_view kExactTarget = "exact";
inline constexpr std::string_view kDefaultTarget = "onnxruntime";

}  // namespace ompq::targets
