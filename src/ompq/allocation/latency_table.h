#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace ompq::allocation {

/// How long a layer takes with one pair of widths.
struct LatencyEntry {
  int weight_bits = 0;  ///< kFloatBits: float
  int activation_bits = 0;
  std::int64_t nanoseconds = 0;
};

/// Measured times, [layer]; empty where there is no table. Sums over layers are what a budget
/// limits, so the table has to hold what the layers take one after the other.
struct LatencyTable {
  std::vector<std::vector<LatencyEntry>> layers;

  [[nodiscard]] bool empty() const { return layers.empty(); }
  [[nodiscard]] std::optional<std::int64_t> nanoseconds(std::size_t layer,
                                                        int weight_bits,
                                                        int activation_bits) const;
};

}  // namespace ompq::allocation
