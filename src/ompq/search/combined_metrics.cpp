#include "ompq/search/combined_metrics.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ompq::search {

namespace {

CombinedMetrics geometric_mean(const Measurements& measured,
                               const std::vector<const AllocatorRow*>& metrics) {
  CombinedMetrics combined{
      .origin = std::string(metrics[0]->name), .row = *metrics[0], .measurements = measured};
  auto& values = combined.measurements.losses.at(std::string(metrics[0]->metric)).values;
  for (std::size_t m = 1; m < metrics.size(); ++m) {
    combined.origin += fmt::format(" x {}", metrics[m]->name);
    const auto& others = measured.losses.at(std::string(metrics[m]->metric)).values;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= others[i];
  }
  for (double& value : values) value = std::pow(value, 1.0 / static_cast<double>(metrics.size()));
  return combined;
}

}  // namespace

std::vector<CombinedMetrics> combine_metrics(const Measurements& measured,
                                             const std::vector<std::string>& origins) {
  constexpr std::size_t kMost = 3;
  std::vector<const AllocatorRow*> best;
  for (const std::string& origin : origins) {
    const auto rows = allocator_table();
    const auto row = std::ranges::find(rows, origin, &AllocatorRow::name);
    const bool of_metric = row != rows.end() && row->name == row->metric && !row->importance &&
                           measured.losses.contains(std::string(row->metric));
    if (of_metric && best.size() < kMost) best.push_back(&*row);
  }
  std::vector<CombinedMetrics> means;
  for (std::size_t i = 0; i < best.size(); ++i) {
    for (std::size_t j = i + 1; j < best.size(); ++j) {
      means.push_back(geometric_mean(measured, {best[i], best[j]}));
    }
  }
  if (best.size() == kMost) means.push_back(geometric_mean(measured, best));
  return means;
}

}  // namespace ompq::search
