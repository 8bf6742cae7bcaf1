#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace ompq::allocation {

/// The time of a layer with one pair of widths.
struct LatencyEntry {
  int weight_bits = 0;  ///< kFloatBits: float
  int activation_bits = 0;
  std::int64_t nanoseconds = 0;
};

/// Measured times, [layer]; empty if there is no table. A budget limits the sum over layers, so
/// times must be those of sequential execution.
struct LatencyTable {
  std::vector<std::vector<LatencyEntry>> layers;

  [[nodiscard]] bool empty() const { return layers.empty(); }
  [[nodiscard]] std::optional<std::int64_t> nanoseconds(std::size_t layer,
                                                        int weight_bits,
                                                        int activation_bits) const;
};

}  // namespace ompq::allocation
