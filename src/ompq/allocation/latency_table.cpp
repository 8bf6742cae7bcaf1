#include "ompq/allocation/latency_table.h"

namespace ompq::allocation {

std::optional<std::int64_t> LatencyTable::nanoseconds(std::size_t layer,
                                                      int weight_bits,
                                                      int activation_bits) const {
  if (layer >= layers.size()) return std::nullopt;
  for (const LatencyEntry& entry : layers[layer]) {
    if (entry.weight_bits == weight_bits && entry.activation_bits == activation_bits) {
      return entry.nanoseconds;
    }
  }
  return std::nullopt;
}

}  // namespace ompq::allocation
