#include "ompq/allocation/label_search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "ompq/allocation/completion_bound.h"

namespace ompq::allocation {
namespace {

using Choice = MultipleChoice::Choice;

/// The first room keeps about this many columns in addition to the best ones.
constexpr std::size_t kFirstColumns = 16;

/// Bounds are sums of doubles; this factor makes them safe against rounding.
constexpr double kSafe = 1 - 1e-9;

/// A partial choice, for the items so far.
struct Label {
  std::vector<std::int64_t> used;  ///< per row
  double gap = 0;                  ///< loss so far, relative to the Lagrangian bound
  std::uint32_t parent = 0;        ///< index among the labels of the previous item
  std::uint32_t column = 0;
};

/// The step that created a label; only this is kept for earlier items.
struct Trace {
  std::uint32_t parent = 0;
  std::uint32_t column = 0;
};

/// Minimum and maximum cost of completion, per position and row.
struct Rest {
  std::vector<std::vector<std::int64_t>> min;
  std::vector<std::vector<std::int64_t>> max;
};

std::int64_t cost_range(const std::vector<Column>& columns) {
  if (columns.front().costs.empty()) return 0;
  const auto by_cost = [](const Column& a, const Column& b) { return a.costs[0] < b.costs[0]; };
  const auto [low, high] = std::minmax_element(columns.begin(), columns.end(), by_cost);
  return high->costs[0] - low->costs[0];
}

/// Items with the largest range of costs come first, so that later items fill ever smaller gaps and
/// equal items are adjacent.
std::vector<std::size_t> search_order(const MultipleChoice& problem) {
  std::vector<std::size_t> order(problem.items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return cost_range(problem.items[a]) > cost_range(problem.items[b]);
  });
  return order;
}

Rest rest_after(const MultipleChoice& problem, const std::vector<std::size_t>& order) {
  const std::vector<std::int64_t> none(problem.capacity.size(), 0);
  Rest rest{std::vector(order.size() + 1, none), std::vector(order.size() + 1, none)};
  for (std::size_t position = order.size(); position-- > 0;) {
    const auto& columns = problem.items[order[position]];
    for (std::size_t k = 0; k < none.size(); ++k) {
      std::int64_t min = columns.front().costs[k];
      std::int64_t max = min;
      for (const Column& column : columns) {
        min = std::min(min, column.costs[k]);
        max = std::max(max, column.costs[k]);
      }
      rest.min[position][k] = rest.min[position + 1][k] + min;
      rest.max[position][k] = rest.max[position + 1][k] + max;
    }
  }
  return rest;
}

class LabelSearch {
 public:
  LabelSearch(const MultipleChoice& problem, double room)
      : problem_(problem),
        order_(search_order(problem)),
        rest_(rest_after(problem, order_)),
        bound_(problem, order_),
        room_(room) {}

  /// @param beam  number of labels kept per item, those with the smallest lower bound; 0: all. With
  /// a beam the result is feasible, but not proven.
  LabelResult run(std::size_t max_labels, std::size_t beam = 0) {
    std::vector<Label> labels{{std::vector<std::int64_t>(problem_.capacity.size(), 0), 0, 0, 0}};
    std::size_t made = 0;
    for (std::size_t position = 0; position < order_.size() && !labels.empty(); ++position) {
      labels = extended(labels, position);
      made += labels.size();
      if (made > max_labels) return {};
      labels = undominated(std::move(labels));
      if (beam > 0 && labels.size() > beam) keep_best(labels, position + 1, beam);
      auto& steps = history_.emplace_back();
      for (const Label& label : labels) steps.push_back({label.parent, label.column});
      complete(labels, position + 1);
    }
    LabelResult result{true, std::nullopt};
    if (best_) result.better = trace(*best_);
    return result;
  }

 private:
  /// The price of capacity that stays unspent even at the maximum cost of completion.
  [[nodiscard]] double price_of_slack(const std::vector<std::int64_t>& used,
                                      std::size_t position) const {
    double price = 0;
    for (std::size_t k = 0; k < used.size(); ++k) {
      const std::int64_t slack = problem_.capacity[k] - used[k] - rest_.max[position][k];
      if (slack > 0) price += problem_.prices[k] * static_cast<double>(slack);
    }
    return price;
  }

  /// A lower bound of a label's loss over all completions: the largest of one bound per row.
  [[nodiscard]] double min_loss(const Label& label, std::size_t position) const {
    const double slack = price_of_slack(label.used, position);
    double min = slack;
    for (std::size_t k = 0; k < label.used.size(); ++k) {
      const std::int64_t unspent =
          std::max<std::int64_t>(problem_.capacity[k] - label.used[k] - rest_.max[position][k], 0);
      const double others = slack - problem_.prices[k] * static_cast<double>(unspent);
      const double loss = bound_.min_loss(position, k, left_by_preferred(label, position, k));
      min = std::max(min, others + loss * kSafe);
    }
    return label.gap + min;
  }

  [[nodiscard]] std::int64_t left_by_preferred(const Label& label,
                                               std::size_t position,
                                               std::size_t k) const {
    return problem_.capacity[k] - label.used[k] - bound_.preferred_costs(position)[k];
  }

  void keep_best(std::vector<Label>& labels, std::size_t position, std::size_t beam) const {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t l = 0; l < labels.size(); ++l) {
      order.emplace_back(min_loss(labels[l], position), l);
    }
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(beam), order.end());
    order.resize(beam);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.second < b.second;
    });
    std::vector<Label> kept;
    for (const auto& [loss, l] : order) kept.push_back(std::move(labels[l]));
    labels = std::move(kept);
  }

  /// Completes every label with the preferred columns; a feasible result with a smaller loss
  /// reduces the room.
  void complete(const std::vector<Label>& labels, std::size_t position) {
    for (std::size_t l = 0; l < labels.size(); ++l) {
      double loss = labels[l].gap;
      bool fits = true;
      for (std::size_t k = 0; k < problem_.capacity.size() && fits; ++k) {
        const std::int64_t left = left_by_preferred(labels[l], position, k);
        fits = left >= 0;
        loss += problem_.prices[k] * static_cast<double>(left);
      }
      if (fits && loss < room_) room_ = loss, best_ = End{position, l};
    }
  }

  [[nodiscard]] bool can_fit(const std::vector<std::int64_t>& used, std::size_t position) const {
    for (std::size_t k = 0; k < used.size(); ++k) {
      if (used[k] + rest_.min[position][k] > problem_.capacity[k]) return false;
    }
    return true;
  }

  [[nodiscard]] std::vector<Label> extended(const std::vector<Label>& labels,
                                            std::size_t position) const {
    const auto& columns = problem_.items[order_[position]];
    std::vector<Label> out;
    for (std::size_t l = 0; l < labels.size(); ++l) {
      for (std::size_t j = 0; j < columns.size(); ++j) {
        Label label{labels[l].used,
                    labels[l].gap + columns[j].gap,
                    static_cast<std::uint32_t>(l),
                    static_cast<std::uint32_t>(j)};
        if (label.gap >= room_) continue;
        for (std::size_t k = 0; k < label.used.size(); ++k) label.used[k] += columns[j].costs[k];
        if (!can_fit(label.used, position + 1)) continue;
        if (min_loss(label, position + 1) >= room_) continue;
        out.push_back(std::move(label));
      }
    }
    return out;
  }

  /// Value so far, up to a constant: the negative gap plus the price of the costs.
  [[nodiscard]] double value(const Label& label) const {
    double value = -label.gap;
    for (std::size_t k = 0; k < label.used.size(); ++k) {
      value += problem_.prices[k] * static_cast<double>(label.used[k]);
    }
    return value;
  }

  /// Removes dominated labels. One row: by cost and value. Two rows: with a staircase over the
  /// second cost. More rows: only labels with equal costs are compared.
  [[nodiscard]] std::vector<Label> undominated(std::vector<Label> labels) const {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t l = 0; l < labels.size(); ++l) order.emplace_back(value(labels[l]), l);
    std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
      const auto& left = labels[a.second].used;
      const auto& right = labels[b.second].used;
      if (left != right) return left < right;
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    const std::size_t rows = problem_.capacity.size();
    std::vector<Label> kept;
    double best = -HUGE_VAL;
    std::map<std::int64_t, double> stairs;  // second cost -> best value at no higher cost
    for (const auto& [worth, l] : order) {
      Label& label = labels[l];
      if (rows == 1) {
        if (worth <= best) continue;
        best = worth;
      } else if (rows == 2) {
        if (!climb(stairs, label.used[1], worth)) continue;
      } else if (!kept.empty() && kept.back().used == label.used) {
        continue;
      }
      kept.push_back(std::move(label));
    }
    return kept;
  }

  /// Adds a step to the stairs. @return false if it is dominated.
  static bool climb(std::map<std::int64_t, double>& stairs, std::int64_t cost, double worth) {
    auto above = stairs.upper_bound(cost);
    if (above != stairs.begin() && std::prev(above)->second >= worth) return false;
    while (above != stairs.end() && above->second <= worth) above = stairs.erase(above);
    stairs[cost] = worth;
    return true;
  }

  /// A label that is completed with the preferred columns.
  struct End {
    std::size_t position = 0;
    std::size_t label = 0;
  };

  [[nodiscard]] Choice trace(End end) const {
    Choice choice = bound_.preferred();
    for (std::size_t position = end.position; position-- > 0;) {
      const Trace& step = history_[position][end.label];
      choice[order_[position]] = step.column;
      end.label = step.parent;
    }
    return choice;
  }

  const MultipleChoice& problem_;
  std::vector<std::size_t> order_;
  Rest rest_;
  CompletionBound bound_;
  double room_;
  std::optional<End> best_;
  std::vector<std::vector<Trace>> history_;
};

/// The room that includes kFirstColumns columns with a nonzero gap.
double first_room(const MultipleChoice& problem) {
  std::vector<double> gaps;
  for (const auto& columns : problem.items) {
    for (const Column& column : columns) {
      if (column.gap > 0) gaps.push_back(column.gap);
    }
  }
  if (gaps.empty()) return HUGE_VAL;
  const auto at =
      gaps.begin() + static_cast<std::ptrdiff_t>(std::min(kFirstColumns, gaps.size() - 1));
  std::nth_element(gaps.begin(), at, gaps.end());
  return *at;
}

/// The problem restricted to columns that a choice within some room of the bound can have.
struct Core {
  MultipleChoice problem;
  std::vector<std::vector<std::size_t>> columns;  ///< [item][column]: index in the whole problem
};

Core core_within(const MultipleChoice& problem, double room) {
  Core core;
  core.problem.capacity = problem.capacity;
  core.problem.prices = problem.prices;
  core.problem.bound = problem.bound;
  for (const auto& columns : problem.items) {
    auto& kept = core.problem.items.emplace_back();
    auto& indices = core.columns.emplace_back();
    for (std::size_t j = 0; j < columns.size(); ++j) {
      if (columns[j].gap >= room && columns[j].gap > 0) continue;
      kept.push_back(columns[j]);
      indices.push_back(j);
    }
  }
  return core;
}

}  // namespace

LabelResult label_search_within(const MultipleChoice& problem,
                                double room,
                                std::size_t max_labels) {
  if (max_labels == 0) return {};
  return LabelSearch(problem, room).run(max_labels);
}

LabelResult label_search(const MultipleChoice& problem,
                         const std::optional<Choice>& start,
                         std::size_t max_labels) {
  const double room = start ? problem.bound - problem.value_of(*start) : HUGE_VAL;
  LabelResult result = label_search_within(problem, room, max_labels);
  // Gaps are sums of differences with rounding errors; compare the values as well.
  if (result.better && start && problem.value_of(*result.better) <= problem.value_of(*start)) {
    result.better.reset();
  }
  return result;
}

std::optional<Choice> beam_search(const MultipleChoice& problem,
                                  const Choice& start,
                                  std::size_t beam) {
  const double room = problem.bound - problem.value_of(start);
  LabelResult result =
      LabelSearch(problem, room).run(std::numeric_limits<std::size_t>::max(), beam);
  if (result.better && problem.value_of(*result.better) <= problem.value_of(start)) {
    result.better.reset();
  }
  return result.better;
}

LabelResult deepening_search(const MultipleChoice& problem,
                             const Choice& start,
                             std::size_t max_labels) {
  const double whole = problem.bound - problem.value_of(start);
  for (double room = std::min(first_room(problem), whole);; room = std::min(3 * room, whole)) {
    const Core core = core_within(problem, room);
    LabelResult result = label_search_within(core.problem, room, max_labels);
    if (!result.finished) return {};
    if (result.better) {
      Choice& found = *result.better;
      for (std::size_t i = 0; i < found.size(); ++i) found[i] = core.columns[i][found[i]];
      // Gaps are sums of differences with rounding errors; compare the values as well.
      if (problem.value_of(found) <= problem.value_of(start)) result.better.reset();
      return result;
    }
    if (room >= whole) return result;
  }
}

}  // namespace ompq::allocation
