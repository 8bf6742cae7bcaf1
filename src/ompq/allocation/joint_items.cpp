#include "ompq/allocation/joint_items.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

/// If three or more costs differ, options are compared with at most this many kept ones. Keeping a
/// dominated option costs time, but not the optimum.
constexpr std::size_t kMaxCompared = 1000;

/// Widths of some of an item's decisions, with their total value and costs.
struct Partial {
  double value = 0;
  std::vector<std::int64_t> costs;
  std::vector<std::uint16_t> choice;  ///< in the order of joining
};

/// Removes dominated `partials`. `better` is +1 if high values are good, else -1.
class Pruner {
 public:
  Pruner(std::vector<Partial>& partials, double better) : partials_(partials), better_(better) {
    for (std::size_t k = 0; k < partials.front().costs.size(); ++k) {
      const bool differs = std::any_of(partials.begin(), partials.end(), [&](const Partial& p) {
        return p.costs[k] != partials.front().costs[k];
      });
      if (differs) rows_.push_back(k);
    }
  }

  std::vector<Partial> run() {
    std::sort(partials_.begin(), partials_.end(), [&](const Partial& a, const Partial& b) {
      if (a.value != b.value) return better_ * a.value > better_ * b.value;
      return a.costs != b.costs ? a.costs < b.costs : a.choice < b.choice;
    });
    for (Partial& partial : partials_) {
      if (!is_beaten(partial)) kept_.push_back(std::move(partial));
    }
    return std::move(kept_);
  }

 private:
  /// All kept partials have at least the same value.
  bool is_beaten(const Partial& partial) {
    if (rows_.size() == 2) return !climb(partial.costs[rows_[0]], partial.costs[rows_[1]]);
    const std::size_t compared = std::min(kept_.size(), kMaxCompared);
    if (rows_.size() < 2) {  // the last one kept is the cheapest
      return !kept_.empty() &&
             (rows_.empty() || kept_.back().costs[rows_[0]] <= partial.costs[rows_[0]]);
    }
    return std::any_of(kept_.begin(),
                       kept_.begin() + static_cast<std::ptrdiff_t>(compared),
                       [&](const Partial& other) {
                         return std::all_of(rows_.begin(), rows_.end(), [&](std::size_t k) {
                           return other.costs[k] <= partial.costs[k];
                         });
                       });
  }

  /// Updates the least second cost by first cost. @return false if (a, b) is above it.
  bool climb(std::int64_t a, std::int64_t b) {
    auto above = stairs_.upper_bound(a);
    if (above != stairs_.begin() && std::prev(above)->second <= b) return false;
    while (above != stairs_.end() && above->second >= b) above = stairs_.erase(above);
    stairs_[a] = b;
    return true;
  }

  std::vector<Partial>& partials_;
  double better_;
  std::vector<std::size_t> rows_;
  std::vector<Partial> kept_;
  std::map<std::int64_t, std::int64_t> stairs_;
};

/// Joins the decisions of one component.
class Joiner {
 public:
  Joiner(const DecisionModel& model,
         std::vector<const Coupling*> couplings,
         std::vector<std::size_t> members,
         double better,
         std::size_t max_options)
      : model_(model),
        couplings_(std::move(couplings)),
        left_(std::move(members)),
        better_(better),
        max_options_(max_options) {}

  /// @return all options; `order` receives the decisions of their choices.
  std::vector<Partial> run(std::vector<std::size_t>& order) {
    std::vector<Partial> partials{{0, std::vector<std::int64_t>(model_.constraints.size(), 0), {}}};
    while (!left_.empty()) {
      const auto next = next_decision();
      const std::size_t decision = *next;
      left_.erase(next);
      partials = extended(partials, decision);
      joined_.push_back(decision);
      partials = pruned(std::move(partials));
      if (partials.size() > max_options_) refuse();
    }
    order = joined_;
    return partials;
  }

 private:
  [[nodiscard]] bool coupled(std::size_t a, std::size_t b) const {
    return std::any_of(couplings_.begin(), couplings_.end(), [&](const Coupling* c) {
      return (c->first == a && c->second == b) || (c->first == b && c->second == a);
    });
  }

  [[nodiscard]] std::size_t widths(std::size_t decision) const {
    return model_.decisions[decision].widths.size();
  }

  /// Number of combinations of widths that matter for remaining decisions if `decision` is joined
  /// next.
  [[nodiscard]] double frontier_after(std::size_t decision) const {
    double combinations = 1;
    std::vector<std::size_t> inside = joined_;
    inside.push_back(decision);
    for (const std::size_t a : inside) {
      const bool open = std::any_of(left_.begin(), left_.end(), [&](std::size_t b) {
        return b != decision && coupled(a, b);
      });
      if (open) combinations *= static_cast<double>(widths(a));
    }
    return combinations;
  }

  [[nodiscard]] std::vector<std::size_t>::iterator next_decision() {
    auto best = left_.begin();
    double min = HUGE_VAL;
    for (auto candidate = left_.begin(); candidate != left_.end(); ++candidate) {
      const double combinations = frontier_after(*candidate);
      if (combinations < min) min = combinations, best = candidate;
    }
    return best;
  }

  [[nodiscard]] std::vector<Partial> extended(const std::vector<Partial>& partials,
                                              std::size_t decision) const {
    if (partials.size() * widths(decision) > 4 * max_options_) refuse();
    std::vector<Partial> out;
    out.reserve(partials.size() * widths(decision));
    for (const Partial& partial : partials) {
      for (std::size_t j = 0; j < widths(decision); ++j) {
        Partial next = partial;
        next.value += model_.decisions[decision].values[j];
        for (std::size_t k = 0; k < next.costs.size(); ++k) {
          next.costs[k] += model_.decisions[decision].costs[k][j];
        }
        for (const Coupling* coupling : couplings_) add(next, *coupling, decision, j);
        next.choice.push_back(static_cast<std::uint16_t>(j));
        out.push_back(std::move(next));
      }
    }
    return out;
  }

  /// Adds a coupling of `decision`, at width j, with a decision that was joined before.
  void add(Partial& partial, const Coupling& coupling, std::size_t decision, std::size_t j) const {
    if (coupling.first != decision && coupling.second != decision) return;
    const std::size_t other = coupling.first == decision ? coupling.second : coupling.first;
    const auto found = std::find(joined_.begin(), joined_.end(), other);
    if (found == joined_.end()) return;
    const std::size_t i = partial.choice[static_cast<std::size_t>(found - joined_.begin())];
    const std::size_t columns = widths(coupling.second);
    const std::size_t entry = coupling.first == decision ? j * columns + i : i * columns + j;
    if (!coupling.values.empty()) partial.value += coupling.values[entry];
    for (std::size_t k = 0; k < partial.costs.size(); ++k) {
      if (!coupling.costs[k].empty()) partial.costs[k] += coupling.costs[k][entry];
    }
  }

  /// Removes dominated options among those with the same widths of decisions that are coupled to
  /// remaining ones.
  [[nodiscard]] std::vector<Partial> pruned(std::vector<Partial> partials) const {
    std::vector<std::size_t> frontier;
    for (std::size_t position = 0; position < joined_.size(); ++position) {
      const bool open = std::any_of(
          left_.begin(), left_.end(), [&](std::size_t b) { return coupled(joined_[position], b); });
      if (open) frontier.push_back(position);
    }
    std::map<std::vector<std::uint16_t>, std::vector<Partial>> groups;
    for (Partial& partial : partials) {
      std::vector<std::uint16_t> key;
      for (const std::size_t position : frontier) key.push_back(partial.choice[position]);
      groups[key].push_back(std::move(partial));
    }
    std::vector<Partial> kept;
    for (auto& [key, group] : groups) {
      for (Partial& partial : Pruner(group, better_).run()) kept.push_back(std::move(partial));
    }
    return kept;
  }

  [[noreturn]] void refuse() const {
    std::vector<std::string> names;
    for (const auto* part : {&joined_, &left_}) {
      for (const std::size_t d : *part) names.push_back("'" + model_.decisions[d].name + "'");
    }
    throw ConfigError("allocation",
                      fmt::format("the widths of {} must be chosen jointly, with more than {} "
                                  "combinations; give them fewer candidates",
                                  fmt::join(names, ", "),
                                  max_options_));
  }

  const DecisionModel& model_;
  std::vector<const Coupling*> couplings_;
  std::vector<std::size_t> left_;
  std::vector<std::size_t> joined_;
  double better_;
  std::size_t max_options_;
};

/// Decisions that couplings connect, each list ascending, lists by their first decision.
std::vector<std::vector<std::size_t>> components(std::size_t decisions,
                                                 const std::vector<const Coupling*>& couplings) {
  std::vector<std::size_t> root(decisions);
  std::iota(root.begin(), root.end(), std::size_t{0});
  const auto find = [&](std::size_t d) {
    while (root[d] != d) d = root[d];
    return d;
  };
  for (const Coupling* coupling : couplings) {
    const std::size_t a = find(coupling->first);
    const std::size_t b = find(coupling->second);
    root[std::max(a, b)] = std::min(a, b);
  }
  std::map<std::size_t, std::vector<std::size_t>> members;
  for (std::size_t d = 0; d < decisions; ++d) members[find(d)].push_back(d);
  std::vector<std::vector<std::size_t>> lists;
  for (auto& [first, list] : members) lists.push_back(std::move(list));
  return lists;
}

Item single_item(const Decision& decision) {
  return {decision.name, decision.layers, decision.widths, decision.values, decision.costs};
}

/// The item of joined decisions, with options in the order of their widths.
void add_joint_item(JointProblem& joint,
                    const DecisionModel& model,
                    std::vector<Partial> partials,
                    const std::vector<std::size_t>& order,
                    const std::vector<std::size_t>& members) {
  Item item;
  item.name = model.decisions[members.front()].name;
  item.layers = 0;
  for (const std::size_t d : members) {
    if (model.decisions[d].kind == Decision::Kind::Weights)
      item.layers += model.decisions[d].layers;
  }
  item.layers = std::max<std::size_t>(item.layers, 1);
  item.costs.resize(model.constraints.size());
  auto& options = joint.options.emplace_back();
  for (const Partial& partial : partials) {
    item.values.push_back(partial.value);
    for (std::size_t k = 0; k < partial.costs.size(); ++k) {
      item.costs[k].push_back(partial.costs[k]);
    }
    auto& option = options.emplace_back(members.size(), std::uint16_t{0});
    for (std::size_t position = 0; position < order.size(); ++position) {
      const auto at = std::lower_bound(members.begin(), members.end(), order[position]);
      option[static_cast<std::size_t>(at - members.begin())] = partial.choice[position];
    }
  }
  joint.problem.items.push_back(std::move(item));
}

}  // namespace

DecisionChoice JointProblem::decisions_of(std::span<const std::size_t> choice) const {
  std::size_t count = 0;
  for (const auto& list : decisions) count += list.size();
  DecisionChoice widths(count, 0);
  for (std::size_t i = 0; i < choice.size(); ++i) {
    if (options[i].empty()) {
      widths[decisions[i].front()] = choice[i];
      continue;
    }
    for (std::size_t position = 0; position < decisions[i].size(); ++position) {
      widths[decisions[i][position]] = options[i][choice[i]][position];
    }
  }
  return widths;
}

JointProblem join_items(const DecisionModel& model,
                        std::span<const Coupling> couplings,
                        Sense sense,
                        std::size_t max_options) {
  std::vector<const Coupling*> all;
  for (const Coupling& coupling : model.couplings) all.push_back(&coupling);
  for (const Coupling& coupling : couplings) all.push_back(&coupling);
  JointProblem joint;
  joint.problem.sense = sense;
  joint.problem.constraints = model.constraints;
  for (const auto& members : components(model.decisions.size(), all)) {
    joint.decisions.push_back(members);
    if (members.size() == 1) {
      joint.options.emplace_back();
      joint.problem.items.push_back(single_item(model.decisions[members.front()]));
      continue;
    }
    std::vector<const Coupling*> inside;
    for (const Coupling* coupling : all) {
      if (std::binary_search(members.begin(), members.end(), coupling->first)) {
        inside.push_back(coupling);
      }
    }
    std::vector<std::size_t> order;
    Joiner joiner(model, inside, members, sense == Sense::Maximize ? 1.0 : -1.0, max_options);
    std::vector<Partial> partials = joiner.run(order);
    add_joint_item(joint, model, std::move(partials), order, members);
  }
  return joint;
}

}  // namespace ompq::allocation
