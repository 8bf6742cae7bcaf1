#include "ompq/allocation/decision_walk.h"

#include <algorithm>
#include <utility>

namespace ompq::allocation {

DecisionWalk::DecisionWalk(const DecisionModel& model,
                           std::span<const Coupling> couplings,
                           DecisionChoice choice)
    : model_(model),
      couplings_(model.decisions.size()),
      choice_(std::move(choice)),
      costs_(costs_of(model, choice_)) {
  const auto add = [&](const Coupling& coupling) {
    couplings_[coupling.first].push_back(&coupling);
    couplings_[coupling.second].push_back(&coupling);
  };
  for (const Coupling& coupling : model.couplings) add(coupling);
  for (const Coupling& coupling : couplings) add(coupling);
}

double DecisionWalk::excess() const {
  double excess = 0;
  for (std::size_t k = 0; k < costs_.size(); ++k) {
    const Constraint& constraint = model_.constraints[k];
    if (costs_[k] <= constraint.limit) continue;
    excess += static_cast<double>(costs_[k] - constraint.limit) /
              static_cast<double>(std::max<std::int64_t>(constraint.limit, 1));
  }
  return excess;
}

double DecisionWalk::value() const {
  double value = 0;
  for (std::size_t d = 0; d < choice_.size(); ++d) {
    value += model_.decisions[d].values[choice_[d]];
    for (const Coupling* coupling : couplings_[d]) {
      if (coupling->first != d || coupling->values.empty()) continue;
      value += coupling->values[entry(*coupling, d, choice_[d])];
    }
  }
  return value;
}

double DecisionWalk::gain(std::size_t decision, std::size_t width) const {
  const std::size_t now = choice_[decision];
  const auto& values = model_.decisions[decision].values;
  double gain = values[width] - values[now];
  for (const Coupling* coupling : couplings_[decision]) {
    if (coupling->values.empty()) continue;
    gain += coupling->values[entry(*coupling, decision, width)] -
            coupling->values[entry(*coupling, decision, now)];
  }
  return gain;
}

void DecisionWalk::change(std::size_t decision, std::size_t width) {
  const std::size_t now = choice_[decision];
  for (std::size_t k = 0; k < costs_.size(); ++k) {
    const auto& costs = model_.decisions[decision].costs[k];
    costs_[k] += costs[width] - costs[now];
    for (const Coupling* coupling : couplings_[decision]) {
      if (coupling->costs[k].empty()) continue;
      costs_[k] += coupling->costs[k][entry(*coupling, decision, width)] -
                   coupling->costs[k][entry(*coupling, decision, now)];
    }
  }
  choice_[decision] = width;
}

std::size_t DecisionWalk::entry(const Coupling& coupling,
                                std::size_t decision,
                                std::size_t width) const {
  const std::size_t columns = model_.decisions[coupling.second].widths.size();
  return coupling.first == decision ? width * columns + choice_[coupling.second]
                                    : choice_[coupling.first] * columns + width;
}

}  // namespace ompq::allocation
