#include "ompq/search/combined_metrics.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ompq::search {

std::optional<CombinedMetrics> combine_metrics(const Measurements& measured,
                                               const std::vector<std::string>& origins) {
  std::vector<const AllocatorRow*> best;
  for (const std::string& origin : origins) {
    const auto rows = allocator_table();
    const auto row = std::ranges::find(rows, origin, &AllocatorRow::name);
    const bool of_metric = row != rows.end() && row->name == row->metric && !row->importance &&
                           measured.losses.contains(std::string(row->metric));
    if (of_metric && best.size() < 2) best.push_back(&*row);
  }
  if (best.size() < 2) return std::nullopt;
  CombinedMetrics combined{.origin = fmt::format("{} x {}", best[0]->name, best[1]->name),
                           .row = *best[0],
                           .measurements = measured};
  auto& values = combined.measurements.losses.at(std::string(best[0]->metric)).values;
  const auto& others = measured.losses.at(std::string(best[1]->metric)).values;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sqrt(values[i] * others[i]);
  return combined;
}

}  // namespace ompq::search
