#include "ompq/allocation/allocators.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "ompq/allocation/decision_model.h"
#include "ompq/allocation/decision_walk.h"
#include "ompq/allocation/fixed_allocation.h"
#include "ompq/allocation/joint_items.h"
#include "ompq/allocation/linear_program.h"
#include "ompq/allocation/pairwise.h"
#include "ompq/allocation/projection.h"
#include "ompq/core/elapsed.h"
#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::allocation {
namespace {

using Clock = std::chrono::steady_clock;

/// Sets the value of every width of every decision: `value(decision, width)`.
template <typename Value>
void set_values(DecisionModel& model, Value value) {
  for (Decision& decision : model.decisions) {
    for (std::size_t j = 0; j < decision.widths.size(); ++j) {
      decision.values[j] = value(decision, decision.widths[j]);
    }
  }
}

Allocation integer(const AllocationRequest& request) {
  DecisionModel model = make_model(request);
  set_losses(model, request);
  return solve_exactly(request, model, Sense::Minimize);
}

Allocation pairwise(const AllocationRequest& request) { return solve_pairwise(request); }

/// The value of one bit of each decision; for a tensor, the mean over the layers that read it.
std::vector<double> coefficients_of(const AllocationRequest& request, const DecisionModel& model) {
  if (request.coefficients.size() != model.groups.size()) {
    throw ConfigError("allocation",
                      fmt::format("{} importance coefficients for {} decisions",
                                  request.coefficients.size(),
                                  model.groups.size()));
  }
  std::vector<double> sums(request.activations.size(), 0.0);
  std::vector<double> readers(request.activations.size(), 0.0);
  for (std::size_t g = 0; g < model.groups.size(); ++g) {
    for (const std::size_t l : model.groups[g].layers) {
      if (request.layers[l].activation == kNoActivation) continue;
      sums[static_cast<std::size_t>(request.layers[l].activation)] += request.coefficients[g];
      readers[static_cast<std::size_t>(request.layers[l].activation)] += 1;
    }
  }
  std::vector<double> coefficients;
  bool all_zero = true;
  for (const Decision& decision : model.decisions) {
    const bool weights = decision.kind == Decision::Kind::Weights;
    coefficients.push_back(weights ? request.coefficients[decision.index]
                                   : sums[decision.index] / std::max(readers[decision.index], 1.0));
    all_zero = all_zero && coefficients.back() == 0;
  }
  if (all_zero) {
    throw ConfigError("allocation",
                      "the importance of every layer is 0: exp(-beta gamma) underflows; choose a "
                      "smaller beta");
  }
  return coefficients;
}

/// Importance x width, the objective of the paper's program.
void set_importance(DecisionModel& model, const std::vector<double>& coefficients) {
  for (std::size_t d = 0; d < coefficients.size(); ++d) {
    Decision& decision = model.decisions[d];
    for (std::size_t j = 0; j < decision.widths.size(); ++j) {
      decision.values[j] = coefficients[d] * decision.widths[j];
    }
  }
}

/// Maximizes the total width, all layers equally; uses no information but size.
void set_widths(DecisionModel& model) {
  set_values(model, [](const Decision&, int width) { return static_cast<double>(width); });
}

/// The paper chooses only widths of weights: every tensor keeps its largest candidate.
AllocationRequest with_fixed_activations(AllocationRequest request) {
  const auto candidates = activation_candidates_of(request);
  for (std::size_t t = 0; t < candidates.size(); ++t) {
    request.activations[t].candidates = {candidates[t].back()};
  }
  return request;
}

Solution rounded(const Problem& problem,
                 std::vector<double> widths,
                 double bound,
                 Rounding rounding,
                 std::string_view solver) {
  Solution solution;
  solution.choice = round_widths(problem, widths, rounding);
  solution.continuous = std::move(widths);
  solution.objective = objective_of(problem, solution.choice);
  solution.bound = bound;
  solution.gap =
      std::abs(bound - solution.objective) / std::max(std::abs(solution.objective), 1e-12);
  solution.costs = costs_of(problem, solution.choice);
  solution.within_budget = fits(problem, solution.costs);
  solution.status = Status::Rounded;
  solution.solver = solver;
  return solution;
}

Allocation orm_linear(const AllocationRequest& asked) {
  const auto began = Clock::now();
  const AllocationRequest request = with_fixed_activations(asked);
  if (auto fixed = fixed_allocation(request)) return *std::move(fixed);
  DecisionModel model = make_model(request);
  const std::vector<double> coefficients = coefficients_of(request, model);
  set_importance(model, coefficients);
  const JointProblem joint = join_items(model, {}, Sense::Maximize);
  require_feasible(joint.problem);
  ContinuousSolution optimum = solve_continuous(continuous_program(joint.problem, coefficients));
  Solution solution =
      rounded(joint.problem, std::move(optimum.widths), optimum.objective, request.rounding, "clp");
  solution.seconds = seconds_since(began);
  const DecisionChoice choice = joint.decisions_of(solution.choice);
  return make_allocation(request, model, choice, std::move(solution));
}

Allocation orm_integer(const AllocationRequest& request) {
  DecisionModel model = make_model(request);
  set_importance(model, coefficients_of(request, model));
  return solve_exactly(request, model, Sense::Maximize);
}

Allocation projection(const AllocationRequest& asked) {
  const auto began = Clock::now();
  const AllocationRequest request = with_fixed_activations(asked);
  if (auto fixed = fixed_allocation(request)) return *std::move(fixed);
  DecisionModel model = make_model(request);
  set_widths(model);
  const JointProblem joint = join_items(model, {}, Sense::Maximize);
  require_feasible(joint.problem);
  const std::vector<double> ones(joint.problem.items.size(), 1.0);
  std::vector<double> widths = project_onto_budget(continuous_program(joint.problem, ones));
  double total = 0;
  for (const double width : widths) total += width;
  Solution solution =
      rounded(joint.problem, std::move(widths), total, request.rounding, "projection");
  solution.seconds = seconds_since(began);
  const DecisionChoice choice = joint.decisions_of(solution.choice);
  return make_allocation(request, model, choice, std::move(solution));
}

Allocation size_only(const AllocationRequest& request) {
  DecisionModel model = make_model(request);
  set_widths(model);
  return solve_exactly(request, model, Sense::Maximize);
}

/// The largest candidate that is at most `width`, or the smallest one.
std::size_t at_most(const std::vector<int>& widths, int width) {
  const auto above = std::upper_bound(widths.begin(), widths.end(), width);
  return above == widths.begin() ? 0 : static_cast<std::size_t>(above - widths.begin()) - 1;
}

/// Pairs of one width for all weights and one for all activations, by decreasing total bits, then
/// by decreasing weight width.
std::vector<std::pair<int, int>> uniform_pairs(const DecisionModel& model) {
  std::set<int> weights;
  std::set<int> activations;
  for (const Decision& decision : model.decisions) {
    auto& widths = decision.kind == Decision::Kind::Weights ? weights : activations;
    widths.insert(decision.widths.begin(), decision.widths.end());
  }
  if (weights.empty()) weights.insert(0);
  if (activations.empty()) activations.insert(0);
  std::vector<std::pair<int, int>> pairs;
  for (const int w : weights) {
    for (const int a : activations) pairs.emplace_back(w, a);
  }
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first + a.second, a.first) > std::pair(b.first + b.second, b.first);
  });
  return pairs;
}

/// The allocation of a rule, with the total width as its objective.
Solution by_rule(const DecisionModel& model,
                 const DecisionChoice& choice,
                 std::string_view name,
                 Clock::time_point began) {
  Solution solution;
  solution.status = Status::Rule;
  solution.solver = name;
  solution.costs = costs_of(model, choice);
  for (std::size_t d = 0; d < choice.size(); ++d) {
    solution.objective += model.decisions[d].widths[choice[d]];
  }
  solution.bound = solution.objective;
  solution.choice = choice;
  solution.seconds = seconds_since(began);
  return solution;
}

Allocation uniform(const AllocationRequest& request) {
  const auto began = Clock::now();
  const DecisionModel model = make_model(request);
  require_feasible(join_items(model, {}, Sense::Minimize).problem);
  for (const auto& [weights, activations] : uniform_pairs(model)) {
    DecisionChoice choice;
    for (const Decision& decision : model.decisions) {
      const bool is_weights = decision.kind == Decision::Kind::Weights;
      choice.push_back(at_most(decision.widths, is_weights ? weights : activations));
    }
    if (!fits(model, costs_of(model, choice))) continue;
    return make_allocation(request, model, choice, by_rule(model, choice, "uniform", began));
  }
  throw InfeasibleBudget("allocation",
                         "no single width for all layers meets all budgets; raise one of them or "
                         "use another allocator");
}

/// A feasible choice: the smallest widths, or, if these are not the cheapest, the result of the
/// integer program.
DecisionChoice min_choice(const AllocationRequest& request, const DecisionModel& model) {
  const DecisionChoice smallest(model.decisions.size(), 0);
  if (fits(model, costs_of(model, smallest))) return smallest;
  const JointProblem joint = join_items(model, {}, Sense::Minimize);
  return joint.decisions_of(solve_integer_program(joint.problem, request.integer).choice);
}

/// Tries a decision at a random wider candidate, then at smaller and at larger ones (a wider one
/// may be faster). @return true if it was raised.
bool raise_at_random(DecisionWalk& walk, std::size_t decision, Random& random) {
  const std::size_t now = walk.choice()[decision];
  const std::size_t last = walk.model().decisions[decision].widths.size() - 1;
  if (now == last) return false;
  const std::size_t drawn = now + 1 + random.below(last - now);
  for (std::size_t to = drawn; to > now; --to) {
    walk.change(decision, to);
    if (walk.fits()) return true;
  }
  for (std::size_t to = drawn + 1; to <= last; ++to) {
    walk.change(decision, to);
    if (walk.fits()) return true;
  }
  walk.change(decision, now);
  return false;
}

Allocation at_random(const AllocationRequest& request) {
  const auto began = Clock::now();
  const DecisionModel model = make_model(request);
  DecisionWalk walk(model, {}, min_choice(request, model));
  Random random = Random(request.seed).split("random allocation");
  std::vector<std::size_t> order;
  for (std::size_t d = 0; d < model.decisions.size(); ++d) order.push_back(d);
  for (bool risen = true; risen;) {
    risen = false;
    random.shuffle(order);
    for (const std::size_t d : order) risen = raise_at_random(walk, d, random) || risen;
  }
  return make_allocation(
      request, model, walk.choice(), by_rule(model, walk.choice(), "random", began));
}

/// Calls `solve` if anything is left to decide.
template <Allocation (*solve)(const AllocationRequest&)>
Allocation unless_fixed(const AllocationRequest& request) {
  if (auto fixed = fixed_allocation(request)) return *std::move(fixed);
  return solve(request);
}

}  // namespace

void apply_scheme(AllocationRequest& request, Scheme scheme) {
  if (scheme == Scheme::Free) return;
  const bool training = scheme == Scheme::PaperQat;
  request.candidates = training ? std::vector<int>{4, 5, 6, 7, 8} : std::vector<int>{2, 3, 4};
  request.first_last_bits = training ? std::optional<int>(8) : std::nullopt;
  request.cost.accounting = Accounting::Paper;
  request.cost.mac_count = MacCount::Reference;
}

Allocation solve_exactly(const AllocationRequest& request,
                         const DecisionModel& model,
                         Sense sense) {
  const JointProblem joint = join_items(model, {}, sense);
  Solution solution = solve_integer_program(joint.problem, request.integer);
  const DecisionChoice choice = joint.decisions_of(solution.choice);
  return make_allocation(request, model, choice, std::move(solution));
}

RowTable<Allocator>& allocator_rows() {
  static RowTable<Allocator> table({
      {"integer",
       "exact integer program: the least summed loss, under any metric",
       unless_fixed<integer>,
       "output-error"},
      {"pairwise",
       "integer program over losses of layers and of pairs of layers",
       unless_fixed<pairwise>},
      {"orm",
       "the paper's: linear program over orthogonality, then rounding",
       unless_fixed<orm_linear>},
      {"orm-ilp", "exact integer program over the paper's importance", unless_fixed<orm_integer>},
      {"projection",
       "upper widths projected onto the budget, which gives the published lists",
       unless_fixed<projection>},
      {"size-only",
       "exact integer program: the most bits in total, without measuring",
       unless_fixed<size_only>},
      {"uniform", "one width for all: the largest that fits", unless_fixed<uniform>},
      {"random", "random widths that spend the budget", unless_fixed<at_random>},
  });
  return table;
}

std::span<const Allocator> allocators() { return allocator_rows().rows(); }

const Allocator& allocator(std::string_view name) {
  const Allocator* row = allocator_rows().find_if([&](const Allocator& candidate) {
    return candidate.name == name || (!candidate.alias.empty() && candidate.alias == name);
  });
  return row != nullptr ? *row : allocator_rows().get(name, "allocation", "allocator");
}

}  // namespace ompq::allocation
