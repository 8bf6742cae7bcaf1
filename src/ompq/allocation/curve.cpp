#include "ompq/allocation/curve.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "ompq/allocation/decision_model.h"
#include "ompq/allocation/integer_program.h"
#include "ompq/allocation/joint_items.h"
#include "ompq/allocation/label_search.h"
#include "ompq/allocation/multiple_choice.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using WidthChoice = std::vector<std::size_t>;

/// One step along an item's convex hull.
struct Increment {
  std::size_t item = 0;
  std::size_t to = 0;  ///< option
  std::int64_t cost = 0;
  double loss = 0;  ///< negative

  [[nodiscard]] double price() const { return -loss / static_cast<double>(cost); }
};

/// Options on the lower convex hull of loss over cost, from the cheapest to the least loss.
std::vector<std::size_t> hull_of(const Item& item, std::size_t row) {
  const auto& costs = item.costs[row];
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j < item.options(); ++j) order.push_back(j);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(costs[a], item.values[a], a) < std::tuple(costs[b], item.values[b], b);
  });
  const auto slope = [&](std::size_t a, std::size_t b) {
    return (item.values[b] - item.values[a]) / static_cast<double>(costs[b] - costs[a]);
  };
  std::vector<std::size_t> hull;
  for (const std::size_t j : order) {
    if (!hull.empty() && item.values[j] >= item.values[hull.back()]) continue;
    while (hull.size() >= 2 && slope(hull[hull.size() - 2], hull.back()) >= slope(hull.back(), j)) {
      hull.pop_back();
    }
    hull.push_back(j);
  }
  return hull;
}

/// All steps of all items, sorted by saved loss per cost, the largest first.
struct Sweep {
  WidthChoice cheapest;
  std::vector<Increment> increments;
};

Sweep sweep_of(const Problem& problem, std::size_t row) {
  Sweep sweep;
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    const Item& item = problem.items[i];
    const std::vector<std::size_t> hull = hull_of(item, row);
    sweep.cheapest.push_back(hull.front());
    for (std::size_t h = 1; h < hull.size(); ++h) {
      sweep.increments.push_back({i,
                                  hull[h],
                                  item.costs[row][hull[h]] - item.costs[row][hull[h - 1]],
                                  item.values[hull[h]] - item.values[hull[h - 1]]});
    }
  }
  std::stable_sort(sweep.increments.begin(),
                   sweep.increments.end(),
                   [](const Increment& a, const Increment& b) { return a.price() > b.price(); });
  return sweep;
}

std::vector<Breakpoint> breakpoints_of(const Problem& problem,
                                       const Sweep& sweep,
                                       std::size_t row) {
  std::vector<Breakpoint> corners;
  Breakpoint now{costs_of(problem, sweep.cheapest)[row], objective_of(problem, sweep.cheapest), 0};
  for (const Increment& step : sweep.increments) {
    now.price = step.price();
    corners.push_back(now);
    now.cost += step.cost;
    now.loss += step.loss;
  }
  now.price = 0;
  corners.push_back(now);
  return corners;
}

/// The solution for one point, before it becomes an allocation.
struct PointAnswer {
  WidthChoice choice;
  double bound = 0;
  bool proven = false;
};

/// Solves for several limits of a single budget from one sweep.
class SingleBudgetCurve {
 public:
  SingleBudgetCurve(const Problem& problem, std::size_t max_labels)
      : problem_(problem), sweep_(sweep_of(problem, 0)), max_labels_(max_labels) {
    for (const Item& item : problem.items) {
      auto& columns = core_.items.emplace_back();
      for (std::size_t j = 0; j < item.options(); ++j) {
        columns.push_back({j, -item.values[j], 0, {item.costs[0][j]}});
      }
    }
    core_.capacity = {0};
    core_.prices = {0};
  }

  [[nodiscard]] const Sweep& sweep() const { return sweep_; }

  PointAnswer answer(std::int64_t limit) {
    core_.capacity[0] = limit - problem_.constraints[0].base;
    core_.prices[0] = price_at(limit);
    price_columns(core_);
    PointAnswer answer{filled(limit), -core_.bound, false};
    LabelResult result = deepening_search(core_, answer.choice, max_labels_);
    answer.proven = result.finished;
    if (result.better) answer.choice = *result.better;
    if (answer.proven) answer.bound = objective_of(problem_, answer.choice);
    return answer;
  }

 private:
  /// The price at which the relaxation spends the whole limit.
  [[nodiscard]] double price_at(std::int64_t limit) const {
    std::int64_t cost = costs_of(problem_, sweep_.cheapest)[0];
    for (const Increment& step : sweep_.increments) {
      if (cost + step.cost > limit) return step.price();
      cost += step.cost;
    }
    return 0;
  }

  /// Takes every step that fits, in order. After a skipped step, an item may still take a wider
  /// option that fits.
  [[nodiscard]] WidthChoice filled(std::int64_t limit) const {
    WidthChoice choice = sweep_.cheapest;
    std::int64_t cost = costs_of(problem_, choice)[0];
    for (const Increment& step : sweep_.increments) {
      const Item& item = problem_.items[step.item];
      const std::int64_t more = item.costs[0][step.to] - item.costs[0][choice[step.item]];
      if (cost + more > limit) continue;
      cost += more;
      choice[step.item] = step.to;
    }
    return choice;
  }

  const Problem& problem_;
  Sweep sweep_;
  MultipleChoice core_;
  std::size_t max_labels_;
};

/// The request with a budget on `quantity` that is never active.
AllocationRequest without_limit(AllocationRequest request, Quantity quantity) {
  constexpr double kFree = 0x1p56;
  Budget& budget = request.budget;
  switch (quantity) {
    case Quantity::SizeBits:
      budget.bytes = static_cast<std::int64_t>(kFree);
      budget.compression.reset();
      return request;
    case Quantity::WeightBits:
      budget.average_bits = kFloatBits;
      return request;
    case Quantity::Bops:
      budget.bops = kFree;
      return request;
    case Quantity::WeightBytes:
      budget.weight_bytes = static_cast<std::int64_t>(kFree);
      return request;
    case Quantity::LatencyNs:
      budget.latency_us = kFree / 1e3;
      return request;
    case Quantity::ActivationBytes:
      break;
  }
  throw ConfigError("allocation", "a curve over the peak of activations is not supported");
}

std::size_t row_of(const Problem& problem, Quantity quantity) {
  const auto found = std::find_if(
      problem.constraints.begin(), problem.constraints.end(), [&](const Constraint& constraint) {
        return constraint.quantity == quantity;
      });
  return static_cast<std::size_t>(found - problem.constraints.begin());
}

/// The smallest feasible cost, and the cost of the unconstrained optimum.
struct Ends {
  std::int64_t min = 0;
  std::int64_t max = 0;
};

Ends ends_under(const Problem& problem, std::size_t row, const IntegerOptions& options) {
  Problem cheapest = problem;
  for (Item& item : cheapest.items) {
    for (std::size_t j = 0; j < item.options(); ++j) {
      item.values[j] = static_cast<double>(item.costs[row][j]);
    }
  }
  return {solve_integer_program(cheapest, options).costs[row],
          solve_integer_program(problem, options).costs[row]};
}

std::vector<std::int64_t> spread_limits(const Ends& ends, std::size_t points) {
  std::vector<std::int64_t> limits;
  const auto last = static_cast<double>(std::max<std::size_t>(points, 2) - 1);
  for (std::size_t p = 0; p < points; ++p) {
    const double part = static_cast<double>(p) / last;
    const auto room = static_cast<double>(ends.max - ends.min);
    limits.push_back(p + 1 == points && p > 0
                         ? ends.max
                         : ends.min + static_cast<std::int64_t>(std::floor(part * room)));
  }
  return limits;
}

/// Collects points with a lower loss than all points before.
class Collector {
 public:
  Collector(const AllocationRequest& request, const DecisionModel& model, const JointProblem& joint)
      : request_(request), model_(model), joint_(joint) {}

  void add(std::vector<CurvePoint>& points,
           std::int64_t limit,
           std::size_t row,
           Solution solution) {
    if (!points.empty() && solution.objective >= points.back().loss) return;
    CurvePoint point;
    point.limit = limit;
    point.cost = solution.costs[row];
    point.loss = solution.objective;
    point.bound = solution.bound;
    point.gap = solution.gap;
    const DecisionChoice choice = joint_.decisions_of(solution.choice);
    point.allocation = make_allocation(request_, model_, choice, std::move(solution));
    points.push_back(std::move(point));
  }

 private:
  const AllocationRequest& request_;
  const DecisionModel& model_;
  const JointProblem& joint_;
};

Solution solution_of(const Problem& problem, PointAnswer answer) {
  Solution solution;
  solution.objective = objective_of(problem, answer.choice);
  solution.bound = answer.bound;
  solution.gap =
      std::abs(solution.objective - solution.bound) / std::max(std::abs(solution.objective), 1e-12);
  solution.costs = costs_of(problem, answer.choice);
  solution.status = answer.proven ? Status::Optimal : Status::LocalSearch;
  solution.solver = answer.proven ? "labels" : "greedy";
  solution.choice = std::move(answer.choice);
  return solution;
}

}  // namespace

Curve lagrangian_curve(const AllocationRequest& request, const CurveOptions& options) {
  const AllocationRequest free = without_limit(request, options.quantity);
  DecisionModel model = make_model(free);
  set_losses(model, free);
  JointProblem joint = join_items(model, {}, Sense::Minimize);
  validate(joint.problem);
  const std::size_t row = row_of(joint.problem, options.quantity);
  Curve curve;
  curve.constraint = joint.problem.constraints[row];
  Collector collector(free, model, joint);
  if (joint.problem.constraints.size() == 1) {
    SingleBudgetCurve single(joint.problem, options.max_labels);
    curve.breakpoints = breakpoints_of(joint.problem, single.sweep(), row);
    const Ends ends{curve.breakpoints.front().cost, curve.breakpoints.back().cost};
    for (const std::int64_t limit : spread_limits(ends, options.points)) {
      collector.add(curve.points, limit, row, solution_of(joint.problem, single.answer(limit)));
    }
    return curve;
  }
  const Ends ends = ends_under(joint.problem, row, request.integer);
  IntegerOptions each = request.integer;
  each.time_limit_seconds = std::min(each.time_limit_seconds, options.point_seconds);
  for (const std::int64_t limit : spread_limits(ends, options.points)) {
    joint.problem.constraints[row].limit = limit;
    collector.add(curve.points, limit, row, solve_integer_program(joint.problem, each));
  }
  return curve;
}

std::size_t knee(std::span<const double> sizes, std::span<const double> losses) {
  if (sizes.empty() || sizes.size() != losses.size()) {
    throw ConfigError(
        "allocation",
        fmt::format("a knee needs as many sizes as losses, and at least one; got {} and {}",
                    sizes.size(),
                    losses.size()));
  }
  const double width = sizes.back() - sizes.front();
  const double height = losses.front() - losses.back();
  std::size_t best = 0;
  double farthest = 0;
  for (std::size_t p = 0; p < sizes.size() && width > 0 && height > 0; ++p) {
    const double x = (sizes[p] - sizes.front()) / width;
    const double y = (losses[p] - losses.back()) / height;
    if (1 - x - y > farthest) farthest = 1 - x - y, best = p;
  }
  return best;
}

std::size_t knee(const Curve& curve) {
  std::vector<double> sizes;
  std::vector<double> losses;
  for (const CurvePoint& point : curve.points) {
    sizes.push_back(static_cast<double>(point.cost));
    losses.push_back(point.loss);
  }
  return knee(sizes, losses);
}

}  // namespace ompq::allocation
