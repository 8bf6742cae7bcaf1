#include "ompq/allocation/pairwise.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "ompq/allocation/decision_walk.h"
#include "ompq/allocation/fixed_allocation.h"
#include "ompq/allocation/integer_program.h"
#include "ompq/allocation/joint_items.h"
#include "ompq/core/elapsed.h"

namespace ompq::allocation {
namespace {

using Clock = std::chrono::steady_clock;

/// The range of a pair's loss.
double loss_range(const Coupling& coupling) {
  const auto [low, high] = std::minmax_element(coupling.values.begin(), coupling.values.end());
  return *high - *low;
}

/// Pairs that are merged into items, and those left out because items would become too large.
struct Parts {
  std::vector<Coupling> joined;
  std::vector<Coupling> left_out;
};

/// Joins strong pairs first, while the joined decisions have at most `max_options` combinations of
/// widths. Couplings of costs cannot be left out and are joined before.
Parts part(const DecisionModel& model, std::vector<Coupling> couplings, std::size_t max_options) {
  std::vector<std::size_t> root(model.decisions.size());
  std::iota(root.begin(), root.end(), std::size_t{0});
  std::vector<double> options;
  for (const Decision& decision : model.decisions) {
    options.push_back(static_cast<double>(decision.widths.size()));
  }
  const auto find = [&](std::size_t d) {
    while (root[d] != d) d = root[d];
    return d;
  };
  const auto join = [&](const Coupling& coupling, double max) {
    const std::size_t a = find(coupling.first);
    const std::size_t b = find(coupling.second);
    if (a == b) return true;
    if (options[a] * options[b] > max) return false;
    root[b] = a;
    options[a] *= options[b];
    return true;
  };
  for (const Coupling& coupling : model.couplings) (void)join(coupling, HUGE_VAL);
  std::stable_sort(couplings.begin(), couplings.end(), [](const Coupling& a, const Coupling& b) {
    return loss_range(a) > loss_range(b);
  });
  Parts parts;
  for (Coupling& coupling : couplings) {
    auto& list = join(coupling, static_cast<double>(max_options)) ? parts.joined : parts.left_out;
    list.push_back(std::move(coupling));
  }
  return parts;
}

/// Bounds a pair from below by one term per decision: for each width, half of its smallest loss
/// over the other's widths.
void add_halves(DecisionModel& model, const Coupling& coupling) {
  auto& rows = model.decisions[coupling.first].values;
  auto& columns = model.decisions[coupling.second].values;
  std::vector<double> row_min(rows.size(), HUGE_VAL);
  std::vector<double> column_min(columns.size(), HUGE_VAL);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      const double value = coupling.values[i * columns.size() + j];
      row_min[i] = std::min(row_min[i], value);
      column_min[j] = std::min(column_min[j], value);
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += row_min[i] / 2;
  for (std::size_t j = 0; j < columns.size(); ++j) columns[j] += column_min[j] / 2;
}

/// Local search by single changes and by pairs of changes until none improves, or the time limit.
class Descent {
 public:
  Descent(DecisionWalk& walk, Clock::time_point began, double seconds)
      : walk_(walk), began_(began), seconds_(seconds) {}

  void run() {
    while (seconds_since(began_) < seconds_ && (improve_by_one() || improve_by_two())) {
    }
  }

 private:
  /// Smaller gains are rounding errors.
  [[nodiscard]] double min_gain() const { return -1e-12 * std::abs(walk_.value()); }

  [[nodiscard]] std::size_t widths(std::size_t d) const {
    return walk_.model().decisions[d].widths.size();
  }

  bool improve_by_one() {
    const double min = min_gain();
    for (std::size_t d = 0; d < walk_.choice().size(); ++d) {
      const std::size_t now = walk_.choice()[d];
      for (std::size_t j = 0; j < widths(d); ++j) {
        if (j == now || walk_.gain(d, j) >= min) continue;
        walk_.change(d, j);
        if (walk_.fits()) return true;
        walk_.change(d, now);
      }
    }
    return false;
  }

  bool improve_by_two() {
    for (std::size_t d = 0; d < walk_.choice().size(); ++d) {
      if (seconds_since(began_) >= seconds_) return false;
      const std::size_t now = walk_.choice()[d];
      for (std::size_t j = 0; j < widths(d); ++j) {
        if (j == now) continue;
        const double min = min_gain();
        const double gain = walk_.gain(d, j);
        walk_.change(d, j);
        if (second_change(d, min - gain)) return true;
        walk_.change(d, now);
      }
    }
    return false;
  }

  /// Looks for a change of a later decision that gains at least `needed` and fits.
  bool second_change(std::size_t first, double needed) {
    for (std::size_t d = first + 1; d < walk_.choice().size(); ++d) {
      const std::size_t now = walk_.choice()[d];
      for (std::size_t j = 0; j < widths(d); ++j) {
        if (j == now || walk_.gain(d, j) >= needed) continue;
        walk_.change(d, j);
        if (walk_.fits()) return true;
        walk_.change(d, now);
      }
    }
    return false;
  }

  DecisionWalk& walk_;
  Clock::time_point began_;
  double seconds_;
};

}  // namespace

Allocation solve_pairwise(const AllocationRequest& request, std::size_t max_options) {
  if (auto fixed = fixed_allocation(request)) return *std::move(fixed);
  const auto began = Clock::now();
  DecisionModel model = make_model(request);
  set_losses(model, request);
  const std::vector<Coupling> pairs = pair_couplings(model, request);
  const Parts parts = part(model, pairs, max_options);
  DecisionModel bounded = model;
  for (const Coupling& coupling : parts.left_out) add_halves(bounded, coupling);
  const JointProblem joint = join_items(bounded, parts.joined, Sense::Minimize);
  Solution solution = solve_integer_program(joint.problem, request.integer);
  const DecisionChoice start = joint.decisions_of(solution.choice);
  if (parts.left_out.empty()) return make_allocation(request, model, start, std::move(solution));
  DecisionWalk walk(model, pairs, start);
  Descent(walk, began, request.integer.time_limit_seconds).run();
  solution.objective = walk.value();
  solution.gap =
      std::abs(solution.objective - solution.bound) / std::max(std::abs(solution.objective), 1e-12);
  const bool met = solution.gap <= 1e-12;  // within the rounding of sums of doubles
  if (met) solution.gap = 0;
  solution.status = met ? Status::Optimal : Status::LocalSearch;
  solution.solver = "pairwise-search";
  solution.costs = walk.costs();
  solution.choice = walk.choice();
  solution.seconds = seconds_since(began);
  return make_allocation(request, model, walk.choice(), std::move(solution));
}

}  // namespace ompq::allocation
