#pragma once

#include <vector>

#include "ompq/graph/layers.h"

namespace ompq::graph {

/// Parameters of every layer that decides for itself, its followers' added: how the published lists
/// count.
inline std::vector<std::int64_t> deciding_parameters(const Discovery& found) {
  std::vector<std::int64_t> counts;
  for (const Layer& layer : found.layers) counts.push_back(parameter_count(layer));
  std::vector<bool> follows(counts.size(), false);
  for (const Tie& tie : found.ties) {
    for (const LayerId follower : tie.followers) {
      const auto index = static_cast<std::size_t>(follower);
      counts.at(static_cast<std::size_t>(tie.leader)) += counts.at(index);
      follows.at(index) = true;
    }
  }
  std::vector<std::int64_t> deciding;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!follows[i]) deciding.push_back(counts[i]);
  }
  return deciding;
}

}  // namespace ompq::graph
