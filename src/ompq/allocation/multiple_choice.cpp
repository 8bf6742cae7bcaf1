#include "ompq/allocation/multiple_choice.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ompq/allocation/linear_program.h"

namespace ompq::allocation {
namespace {

using Choice = MultipleChoice::Choice;

/// Pairs of changes are tried among at most this many columns, the most promising first.
constexpr std::size_t kPairColumns = 600;
constexpr int kMaxImprovements = 400;

/// Values that differ by less than this share of the largest one count as equal, because of
/// rounding in sums of doubles.
double equal_values(const MultipleChoice& problem) {
  double max = 0;
  for (const auto& columns : problem.items) {
    for (const Column& column : columns) max = std::max(max, std::abs(column.value));
  }
  return 1e-14 * max;
}

std::vector<std::size_t> binding_rows(const Problem& problem) {
  std::vector<std::size_t> rows;
  for (std::size_t k = 0; k < problem.constraints.size(); ++k) {
    std::int64_t max = problem.constraints[k].base;
    for (const Item& item : problem.items) {
      max += *std::max_element(item.costs[k].begin(), item.costs[k].end());
    }
    if (max > problem.constraints[k].limit) rows.push_back(k);
  }
  return rows;
}

bool beats(const Column& a, const Column& b) {
  if (a.value < b.value) return false;
  for (std::size_t k = 0; k < a.costs.size(); ++k) {
    if (a.costs[k] > b.costs[k]) return false;
  }
  return true;
}

/// Columns that are not dominated; the first of equal ones.
std::vector<Column> undominated(std::vector<Column> columns) {
  std::vector<Column> kept;
  for (std::size_t a = 0; a < columns.size(); ++a) {
    bool beaten = false;
    for (std::size_t b = 0; b < columns.size() && !beaten; ++b) {
      const bool equal = beats(columns[a], columns[b]) && beats(columns[b], columns[a]);
      beaten = b != a && beats(columns[b], columns[a]) && (!equal || b < a);
    }
    if (!beaten) kept.push_back(columns[a]);
  }
  return kept;
}

double priced(const MultipleChoice& problem, const Column& column) {
  double value = column.value;
  for (std::size_t k = 0; k < problem.prices.size(); ++k) {
    value -= problem.prices[k] * static_cast<double>(column.costs[k]);
  }
  return value;
}

/// A choice with incrementally updated costs.
class Walk {
 public:
  Walk(const MultipleChoice& problem, Choice choice)
      : problem_(problem), choice_(std::move(choice)), left_(problem.capacity) {
    for (std::size_t i = 0; i < choice_.size(); ++i) spend(current(i), 1);
  }

  [[nodiscard]] const Choice& choice() const { return choice_; }
  [[nodiscard]] const Column& current(std::size_t i) const { return problem_.items[i][choice_[i]]; }
  void change(std::size_t i, std::size_t j) {
    spend(current(i), -1);
    choice_[i] = j;
    spend(current(i), 1);
  }
  /// Sum over rows of the excess over capacity after a change, relative to the capacity.
  [[nodiscard]] double excess_after(const Column& from, const Column& to) const {
    double excess = 0;
    for (std::size_t k = 0; k < left_.size(); ++k) {
      const std::int64_t left = left_[k] + from.costs[k] - to.costs[k];
      if (left < 0) excess -= static_cast<double>(left) / scale(k);
    }
    return excess;
  }
  [[nodiscard]] bool fits_after(const Column& from, const Column& to) const {
    for (std::size_t k = 0; k < left_.size(); ++k) {
      if (left_[k] + from.costs[k] - to.costs[k] < 0) return false;
    }
    return true;
  }
  [[nodiscard]] bool fits_after(const Column& from1,
                                const Column& to1,
                                const Column& from2,
                                const Column& to2) const {
    for (std::size_t k = 0; k < left_.size(); ++k) {
      const std::int64_t freed = from1.costs[k] - to1.costs[k] + from2.costs[k] - to2.costs[k];
      if (left_[k] + freed < 0) return false;
    }
    return true;
  }
  [[nodiscard]] double excess() const {
    double excess = 0;
    for (std::size_t k = 0; k < left_.size(); ++k) {
      if (left_[k] < 0) excess -= static_cast<double>(left_[k]) / scale(k);
    }
    return excess;
  }

 private:
  [[nodiscard]] double scale(std::size_t k) const {
    return static_cast<double>(std::max<std::int64_t>(problem_.capacity[k], 1));
  }
  void spend(const Column& column, std::int64_t times) {
    for (std::size_t k = 0; k < left_.size(); ++k) left_[k] -= times * column.costs[k];
  }

  const MultipleChoice& problem_;
  Choice choice_;
  std::vector<std::int64_t> left_;
};

struct SingleMove {
  std::size_t item = 0;
  std::size_t column = 0;
};

/// One step towards feasibility. @return false if no change reduces the excess.
bool repair_once(const MultipleChoice& problem, Walk& walk) {
  const double excess = walk.excess();
  std::optional<SingleMove> best;
  double best_rate = HUGE_VAL;
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    const Column& from = walk.current(i);
    for (std::size_t j = 0; j < problem.items[i].size(); ++j) {
      const Column& to = problem.items[i][j];
      const double gained = excess - walk.excess_after(from, to);
      if (gained <= 0) continue;
      const double rate = (to.gap - from.gap) / gained;
      if (rate < best_rate) best_rate = rate, best = SingleMove{i, j};
    }
  }
  if (best) walk.change(best->item, best->column);
  return best.has_value();
}

/// The best single change that fits. @return false if there is none.
bool improve_by_one(const MultipleChoice& problem, Walk& walk, double min_gain) {
  std::optional<SingleMove> best;
  double best_gain = min_gain;
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    const Column& from = walk.current(i);
    for (std::size_t j = 0; j < problem.items[i].size(); ++j) {
      const Column& to = problem.items[i][j];
      const double gain = to.value - from.value;
      if (gain > best_gain && walk.fits_after(from, to)) best_gain = gain, best = SingleMove{i, j};
    }
  }
  if (best) walk.change(best->item, best->column);
  return best.has_value();
}

/// Columns by increasing gap.
std::vector<SingleMove> likely_moves(const MultipleChoice& problem) {
  std::vector<SingleMove> moves;
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    if (problem.items[i].size() == 1) continue;
    for (std::size_t j = 0; j < problem.items[i].size(); ++j) moves.push_back({i, j});
  }
  std::stable_sort(moves.begin(), moves.end(), [&](const SingleMove& a, const SingleMove& b) {
    return problem.items[a.item][a.column].gap < problem.items[b.item][b.column].gap;
  });
  moves.resize(std::min(moves.size(), kPairColumns));
  return moves;
}

/// The best pair of changes that fits. @return false if there is none.
bool improve_by_two(const MultipleChoice& problem,
                    Walk& walk,
                    const std::vector<SingleMove>& moves,
                    double min_gain) {
  std::optional<std::pair<SingleMove, SingleMove>> best;
  double best_gain = min_gain;
  for (std::size_t a = 0; a < moves.size(); ++a) {
    const Column& from1 = walk.current(moves[a].item);
    const Column& to1 = problem.items[moves[a].item][moves[a].column];
    const double gain1 = to1.value - from1.value;
    for (std::size_t b = a + 1; b < moves.size(); ++b) {
      if (moves[a].item == moves[b].item) continue;
      const Column& from2 = walk.current(moves[b].item);
      const Column& to2 = problem.items[moves[b].item][moves[b].column];
      const double gain = gain1 + to2.value - from2.value;
      if (gain > best_gain && walk.fits_after(from1, to1, from2, to2)) {
        best_gain = gain;
        best = {moves[a], moves[b]};
      }
    }
  }
  if (!best) return false;
  walk.change(best->first.item, best->first.column);
  walk.change(best->second.item, best->second.column);
  return true;
}

/// The cheapest of the columns with the least gap.
Choice preferred(const MultipleChoice& problem) {
  Choice choice;
  for (const auto& columns : problem.items) {
    std::size_t best = 0;
    for (std::size_t j = 1; j < columns.size(); ++j) {
      if (columns[j].gap < columns[best].gap) best = j;
    }
    choice.push_back(best);
  }
  return choice;
}

}  // namespace

double MultipleChoice::value_of(const Choice& choice) const {
  double sum = 0;
  for (std::size_t i = 0; i < choice.size(); ++i) sum += items[i][choice[i]].value;
  return sum;
}

bool MultipleChoice::fits(const Choice& choice) const {
  for (std::size_t k = 0; k < capacity.size(); ++k) {
    std::int64_t used = 0;
    for (std::size_t i = 0; i < choice.size(); ++i) used += items[i][choice[i]].costs[k];
    if (used > capacity[k]) return false;
  }
  return true;
}

MultipleChoice::Choice MultipleChoice::widths_of(const Choice& choice) const {
  Choice widths;
  for (std::size_t i = 0; i < choice.size(); ++i) widths.push_back(items[i][choice[i]].width);
  return widths;
}

void price_columns(MultipleChoice& problem) {
  problem.bound = 0;
  for (std::size_t k = 0; k < problem.prices.size(); ++k) {
    problem.bound += problem.prices[k] * static_cast<double>(problem.capacity[k]);
  }
  for (auto& columns : problem.items) {
    double best = -HUGE_VAL;
    for (Column& column : columns) best = std::max(best, column.gap = priced(problem, column));
    for (Column& column : columns) column.gap = best - column.gap;
    problem.bound += best;
  }
}

MultipleChoice make_multiple_choice(const Problem& problem) {
  MultipleChoice out;
  const std::vector<std::size_t> rows = binding_rows(problem);
  const double sign = problem.sense == Sense::Maximize ? 1.0 : -1.0;
  for (const Item& item : problem.items) {
    std::vector<Column> columns;
    for (std::size_t j = 0; j < item.options(); ++j) {
      Column column{j, sign * item.values[j], 0, {}};
      for (const std::size_t k : rows) column.costs.push_back(item.costs[k][j]);
      columns.push_back(std::move(column));
    }
    out.items.push_back(undominated(std::move(columns)));
  }
  if (!rows.empty()) {
    const Relaxation relaxation = solve_relaxation(problem);
    for (const std::size_t k : rows) out.prices.push_back(relaxation.prices[k]);
  }
  for (const std::size_t k : rows) {
    out.capacity.push_back(problem.constraints[k].limit - problem.constraints[k].base);
  }
  price_columns(out);
  return out;
}

std::optional<MultipleChoice::Choice> find_quick_choice(const MultipleChoice& problem) {
  Walk walk(problem, preferred(problem));
  while (walk.excess() > 0) {
    if (!repair_once(problem, walk)) return std::nullopt;
  }
  const double min = equal_values(problem);
  for (int step = 0; step < kMaxImprovements && improve_by_one(problem, walk, min); ++step) {
  }
  return walk.choice();
}

std::optional<MultipleChoice::Choice> find_good_choice(const MultipleChoice& problem) {
  Walk walk(problem, preferred(problem));
  while (walk.excess() > 0) {
    if (!repair_once(problem, walk)) return std::nullopt;
  }
  const double min = equal_values(problem);
  const std::vector<SingleMove> moves = likely_moves(problem);
  for (int step = 0; step < kMaxImprovements; ++step) {
    if (improve_by_one(problem, walk, min)) continue;
    if (!improve_by_two(problem, walk, moves, min)) break;
  }
  return walk.choice();
}

void fix_columns(MultipleChoice& problem, double value, MultipleChoice::Choice& keep) {
  const double room = problem.bound - value;
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    std::vector<Column> kept;
    std::size_t kept_choice = 0;
    for (std::size_t j = 0; j < problem.items[i].size(); ++j) {
      if (j == keep[i]) kept_choice = kept.size();
      if (j == keep[i] || problem.items[i][j].gap < room) {
        kept.push_back(std::move(problem.items[i][j]));
      }
    }
    problem.items[i] = std::move(kept);
    keep[i] = kept_choice;
  }
}

}  // namespace ompq::allocation
