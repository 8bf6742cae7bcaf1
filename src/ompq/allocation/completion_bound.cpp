#include "ompq/allocation/completion_bound.h"

#include <algorithm>
#include <cmath>

namespace ompq::allocation {

std::vector<CompletionBound::Step> CompletionBound::hull_steps(std::vector<Step> points) {
  std::sort(points.begin(), points.end(), [](const Step& a, const Step& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.gap < b.gap;
  });
  std::vector<Step> hull{{0, 0}};
  const auto rate = [](const Step& a, const Step& b) {
    return (b.gap - a.gap) / static_cast<double>(b.cost - a.cost);
  };
  for (const Step& point : points) {
    if (point.cost == hull.back().cost) continue;
    while (hull.size() >= 2 &&
           rate(hull[hull.size() - 2], hull.back()) >= rate(hull.back(), point)) {
      hull.pop_back();
    }
    hull.push_back(point);
  }
  std::vector<Step> steps;
  for (std::size_t h = 1; h < hull.size(); ++h) {
    steps.push_back({hull[h].cost - hull[h - 1].cost, hull[h].gap - hull[h - 1].gap});
  }
  return steps;
}

void CompletionBound::insert(std::vector<Step>& sorted, const std::vector<Step>& steps) {
  const auto dearer = [](const Step& a, const Step& b) {
    return a.gap / static_cast<double>(a.cost) < b.gap / static_cast<double>(b.cost);
  };
  for (const Step& step : steps) {
    sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), step, dearer), step);
  }
}

CompletionBound::Steps CompletionBound::added_up(const std::vector<Step>& sorted) {
  Steps steps{{0}, {0}};
  for (const Step& step : sorted) {
    steps.cost.push_back(steps.cost.back() + step.cost);
    steps.gap.push_back(steps.gap.back() + step.gap);
  }
  return steps;
}

CompletionBound::Moved CompletionBound::move(const Steps& steps, std::int64_t amount) {
  if (amount >= steps.cost.back()) return {steps.gap.back(), amount - steps.cost.back()};
  const auto above = static_cast<std::size_t>(
      std::upper_bound(steps.cost.begin(), steps.cost.end(), amount) - steps.cost.begin());
  const double rate = (steps.gap[above] - steps.gap[above - 1]) /
                      static_cast<double>(steps.cost[above] - steps.cost[above - 1]);
  return {steps.gap[above - 1] + rate * static_cast<double>(amount - steps.cost[above - 1]), 0};
}

CompletionBound::CompletionBound(const MultipleChoice& problem,
                                 const std::vector<std::size_t>& order)
    : prices_(problem.prices) {
  const std::size_t rows = problem.capacity.size();
  for (const auto& columns : problem.items) {
    const auto best =
        std::min_element(columns.begin(), columns.end(), [](const Column& a, const Column& b) {
          return a.gap != b.gap ? a.gap < b.gap : a.costs < b.costs;
        });
    preferred_.push_back(static_cast<std::size_t>(best - columns.begin()));
  }
  preferred_costs_.assign(order.size() + 1, std::vector<std::int64_t>(rows, 0));
  up_.assign(order.size() + 1, std::vector<Steps>(rows, Steps{{0}, {0}}));
  down_ = up_;
  std::vector<std::vector<Step>> ups(rows);
  std::vector<std::vector<Step>> downs(rows);
  for (std::size_t position = order.size(); position-- > 0;) {
    const auto& columns = problem.items[order[position]];
    const Column& best = columns[preferred_[order[position]]];
    for (std::size_t k = 0; k < rows; ++k) {
      preferred_costs_[position][k] = preferred_costs_[position + 1][k] + best.costs[k];
      std::vector<Step> up;
      std::vector<Step> down;
      for (const Column& column : columns) {
        const std::int64_t cost = column.costs[k] - best.costs[k];
        if (cost > 0) up.push_back({cost, column.gap - best.gap});
        if (cost < 0) down.push_back({-cost, column.gap - best.gap});
      }
      insert(ups[k], hull_steps(std::move(up)));
      insert(downs[k], hull_steps(std::move(down)));
      // Leave out steps up whose gap exceeds the price of their cost.
      std::vector<Step> worth = ups[k];
      while (!worth.empty() &&
             worth.back().gap >= prices_[k] * static_cast<double>(worth.back().cost)) {
        worth.pop_back();
      }
      up_[position][k] = added_up(worth);
      down_[position][k] = added_up(downs[k]);
    }
  }
}

double CompletionBound::min_loss(std::size_t position, std::size_t k, std::int64_t left) const {
  if (left >= 0) {
    const Moved up = move(up_[position][k], left);
    return up.gap + prices_[k] * static_cast<double>(up.missing);
  }
  const Moved down = move(down_[position][k], -left);
  return down.missing > 0 ? HUGE_VAL : down.gap;
}

}  // namespace ompq::allocation
