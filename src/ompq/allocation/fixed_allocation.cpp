#include "ompq/allocation/fixed_allocation.h"

#include <utility>

#include "ompq/allocation/decision_model.h"
#include "ompq/allocation/joint_items.h"

namespace ompq::allocation {

std::optional<Allocation> fixed_allocation(const AllocationRequest& request) {
  if (leaves_a_choice(request)) return std::nullopt;
  const DecisionModel model = make_model(request);
  require_feasible(join_items(model, {}, Sense::Minimize).problem);
  Solution solution;
  solution.solver = "none";
  solution.choice.assign(model.decisions.size(), 0);
  solution.costs = costs_of(model, solution.choice);
  const DecisionChoice choice = solution.choice;
  return make_allocation(request, model, choice, std::move(solution));
}

}  // namespace ompq::allocation
