#include "ompq/allocation/rounding.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

/// Tolerance within which a width equals a candidate, since solvers are not exact.
constexpr double kWholeWidth = 1e-6;
constexpr std::int64_t kLargestTable = std::int64_t{1} << 30;

struct Neighbours {
  std::size_t down = 0;  ///< largest candidate <= the width
  std::size_t up = 0;    ///< smallest candidate >= the width; `down` where it is a candidate
};

Neighbours neighbours(const std::vector<int>& candidates, double width) {
  for (std::size_t j = 0; j < candidates.size(); ++j) {
    if (std::abs(candidates[j] - width) <= kWholeWidth) return {j, j};
    if (candidates[j] > width) return {j == 0 ? 0 : j - 1, j};
  }
  return {candidates.size() - 1, candidates.size() - 1};
}

void require_widths(const Problem& problem, std::span<const double> widths) {
  if (widths.size() == problem.items.size()) return;
  throw ShapeError("allocation",
                   fmt::format("{} widths for {} layers", widths.size(), problem.items.size()));
}

/// Cost of the continuous widths, interpolated linearly between candidates.
double continuous_cost(const Problem& problem, std::span<const double> widths) {
  double total = static_cast<double>(problem.constraints.front().base);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const Item& item = problem.items[i];
    const auto [down, up] = neighbours(item.widths, widths[i]);
    const auto low = static_cast<double>(item.costs[0][down]);
    total += low;
    if (up == down) continue;
    const double part = (widths[i] - item.widths[down]) / (item.widths[up] - item.widths[down]);
    total += part * (static_cast<double>(item.costs[0][up]) - low);
  }
  return total;
}

/// A layer to be rounded: rounding up costs `step` more.
struct OpenLayer {
  std::size_t item = 0;
  std::size_t up = 0;
  std::int64_t step = 0;
};

/// For every total 0..room (in units), the last position in `open` from which layers position..end
/// can add up to it, or -1. A total is reachable from a position if its entry is >= that position.
std::vector<std::int32_t> reachable_totals(const std::vector<OpenLayer>& open, std::int64_t room) {
  std::vector<std::int32_t> last(static_cast<std::size_t>(room) + 1, -1);
  last[0] = static_cast<std::int32_t>(open.size());
  std::int64_t reached = 0;
  for (std::size_t position = open.size(); position-- > 0;) {
    const std::int64_t step = open[position].step;
    reached = std::min(room, reached + step);
    for (std::int64_t total = reached; total >= step; --total) {
      std::int32_t& entry = last[static_cast<std::size_t>(total)];
      const bool without = last[static_cast<std::size_t>(total - step)] >= 0;
      if (entry < 0 && without) entry = static_cast<std::int32_t>(position);
    }
  }
  return last;
}

}  // namespace

std::vector<std::size_t> round_nearest(const Problem& problem, std::span<const double> widths) {
  require_widths(problem, widths);
  std::vector<std::size_t> choice;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const auto& candidates = problem.items[i].widths;
    const auto [down, up] = neighbours(candidates, widths[i]);
    choice.push_back(candidates[up] - widths[i] <= widths[i] - candidates[down] ? up : down);
  }
  return choice;
}

std::vector<std::size_t> round_depth_first(const Problem& problem, std::span<const double> widths) {
  require_widths(problem, widths);
  if (problem.constraints.size() != 1) {
    throw ConfigError("allocation",
                      fmt::format("depth-first rounding supports one budget, not {}; round to the "
                                  "nearest or use an integer program",
                                  problem.constraints.size()));
  }
  std::vector<std::size_t> choice;
  std::vector<OpenLayer> open;
  std::int64_t unit = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const auto [down, up] = neighbours(problem.items[i].widths, widths[i]);
    const std::int64_t step = problem.items[i].costs[0][up] - problem.items[i].costs[0][down];
    choice.push_back(step > 0 ? down : up);
    if (step <= 0) continue;
    open.push_back({i, up, step});
    unit = std::gcd(unit, step);
  }
  const std::int64_t floor_cost = costs_of(problem, choice).front();
  // The continuous total has rounding errors of the solver, the limit does not.
  const double total = continuous_cost(problem, widths) * (1 + 1e-12) + 1e-3;
  const std::int64_t limit =
      std::min(problem.constraints.front().limit, static_cast<std::int64_t>(std::floor(total)));
  if (unit == 0 || limit <= floor_cost) return choice;
  std::int64_t all = 0;
  for (OpenLayer& layer : open) all += layer.step /= unit;
  const std::int64_t room = std::min(all, (limit - floor_cost) / unit);
  if (room >= kLargestTable) {
    throw ConfigError("allocation",
                      fmt::format("depth-first rounding would search {} totals; round to the "
                                  "nearest or use an integer program",
                                  room));
  }
  const std::vector<std::int32_t> last = reachable_totals(open, room);
  auto left = static_cast<std::size_t>(room);
  while (last[left] < 0) --left;
  for (std::size_t position = 0; position < open.size(); ++position) {
    if (last[left] > static_cast<std::int32_t>(position)) continue;  // reachable with the floor
    choice[open[position].item] = open[position].up;
    left -= static_cast<std::size_t>(open[position].step);
  }
  return choice;
}

std::vector<std::size_t> round_widths(const Problem& problem,
                                      std::span<const double> widths,
                                      Rounding rounding) {
  return rounding == Rounding::Nearest ? round_nearest(problem, widths)
                                       : round_depth_first(problem, widths);
}

}  // namespace ompq::allocation
