#include "ompq/allocation/allocators.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "ompq/allocation/linear_program.h"
#include "ompq/allocation/projection.h"
#include "ompq/core/bit_width.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using Clock = std::chrono::steady_clock;

/// Which decisions are a choice: all of them, or all but the first and the last.
struct Decisions {
  std::vector<DecisionItem> all;
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] bool open(std::size_t item) const { return item >= begin && item < end; }
};

Decisions decisions_of(const AllocationRequest& request) {
  Decisions decisions;
  decisions.all = decision_items(request.layers);
  decisions.end = decisions.all.size();
  if (request.first_last_bits) {
    decisions.begin = std::min<std::size_t>(1, decisions.end);
    decisions.end = std::max(decisions.begin, decisions.end - decisions.begin);
  }
  if (decisions.begin < decisions.end) return decisions;
  throw ConfigError("allocation",
                    fmt::format("no layer is left to decide: {} layer(s){}",
                                request.layers.size(),
                                request.first_last_bits ? ", first and last fixed" : ""));
}

void require_candidates(const std::vector<int>& candidates) {
  const bool in_range = std::all_of(
      candidates.begin(), candidates.end(), [](int c) { return c >= kMinBits && c <= kMaxBits; });
  if (!candidates.empty() && in_range &&
      std::is_sorted(candidates.begin(), candidates.end(), std::less_equal<>())) {
    return;
  }
  throw ConfigError("allocation",
                    fmt::format("candidate widths '{}' must ascend and lie in {}..{}",
                                fmt::join(candidates, ","),
                                kMinBits,
                                kMaxBits));
}

std::int64_t item_cost(const AllocationRequest& request,
                       const DecisionItem& item,
                       int weight_bits,
                       int activation_bits,
                       Quantity quantity) {
  std::int64_t cost = 0;
  for (const std::size_t l : item.layers) {
    cost += cost_of(request.layers[l], weight_bits, activation_bits, quantity, request.cost);
  }
  return cost;
}

Item make_item(const AllocationRequest& request,
               const DecisionItem& decision,
               const std::vector<Constraint>& constraints) {
  Item item;
  item.name = request.layers[decision.leader].name;
  item.layers = decision.layers.size();
  item.widths = request.candidates;
  item.values.assign(item.widths.size(), 0.0);
  for (const Constraint& constraint : constraints) {
    auto& row = item.costs.emplace_back();
    for (const int width : item.widths) {
      row.push_back(
          item_cost(request, decision, width, request.cost.activation_bits, constraint.quantity));
    }
  }
  return item;
}

/// Sets what every width of every item is worth: `value(index among all decisions, width index)`.
template <typename Value>
void set_values(Problem& problem, const Decisions& decisions, Value value) {
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    for (std::size_t j = 0; j < problem.items[i].widths.size(); ++j) {
      problem.items[i].values[j] = value(decisions.begin + i, j);
    }
  }
}

Allocation finish(const AllocationRequest& request, Solution solution) {
  const Decisions decisions = decisions_of(request);
  const std::size_t layers = request.layers.size();
  Allocation allocation;
  allocation.weight_bits.assign(layers, 0);
  allocation.activation_bits.assign(layers, 0);
  for (std::size_t i = 0; i < decisions.all.size(); ++i) {
    const bool open = decisions.open(i);
    for (const std::size_t l : decisions.all[i].layers) {
      allocation.weight_bits[l] = open ? request.candidates[solution.choice[i - decisions.begin]]
                                       : *request.first_last_bits;
      allocation.activation_bits[l] =
          open ? request.cost.activation_bits : *request.first_last_bits;
    }
  }
  allocation.cost =
      total_cost(request.layers, allocation.weight_bits, allocation.activation_bits, request.cost);
  allocation.solution = std::move(solution);
  return allocation;
}

std::vector<double> open_coefficients(const AllocationRequest& request,
                                      const Decisions& decisions) {
  if (request.coefficients.size() != decisions.all.size()) {
    throw ConfigError("allocation",
                      fmt::format("{} importance coefficients for {} decisions",
                                  request.coefficients.size(),
                                  decisions.all.size()));
  }
  const auto first = request.coefficients.begin();
  std::vector<double> open(first + static_cast<std::ptrdiff_t>(decisions.begin),
                           first + static_cast<std::ptrdiff_t>(decisions.end));
  const bool all_zero = std::all_of(open.begin(), open.end(), [](double c) { return c == 0; });
  if (all_zero) {
    throw ConfigError("allocation",
                      "the importance of every layer is 0: exp(-beta gamma) underflows; choose a "
                      "smaller beta");
  }
  return open;
}

void require_losses(const AllocationRequest& request) {
  bool fits = request.loss.size() == request.layers.size();
  for (const auto& row : request.loss) fits = fits && row.size() == request.candidates.size();
  if (fits) return;
  throw ConfigError("allocation",
                    fmt::format("the loss table must have {} rows (layers) of {} values "
                                "(candidate widths); it has {} rows",
                                request.layers.size(),
                                request.candidates.size(),
                                request.loss.size()));
}

Allocation output_error(const AllocationRequest& request) {
  require_losses(request);
  const Decisions decisions = decisions_of(request);
  Problem problem = make_problem(request);
  problem.sense = Sense::Minimize;
  set_values(problem, decisions, [&](std::size_t item, std::size_t width) {
    double loss = 0;
    for (const std::size_t l : decisions.all[item].layers) loss += request.loss[l][width];
    return loss;
  });
  return finish(request, solve_integer_program(problem, request.integer));
}

/// The problem whose values are importance x width, as the paper's program maximizes.
Problem importance_problem(const AllocationRequest& request, const Decisions& decisions) {
  const std::vector<double> coefficients = open_coefficients(request, decisions);
  Problem problem = make_problem(request);
  set_values(problem, decisions, [&](std::size_t item, std::size_t width) {
    return coefficients[item - decisions.begin] * request.candidates[width];
  });
  return problem;
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

Allocation orm_linear(const AllocationRequest& request) {
  const auto began = Clock::now();
  const Decisions decisions = decisions_of(request);
  const Problem problem = importance_problem(request, decisions);
  require_feasible(problem);
  const ContinuousProgram program =
      continuous_program(problem, open_coefficients(request, decisions));
  ContinuousSolution optimum = solve_continuous(program);
  Solution solution =
      rounded(problem, std::move(optimum.widths), optimum.objective, request.rounding, "clp");
  solution.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return finish(request, std::move(solution));
}

Allocation orm_integer(const AllocationRequest& request) {
  const Problem problem = importance_problem(request, decisions_of(request));
  return finish(request, solve_integer_program(problem, request.integer));
}

/// Total width counts the same for every layer: all that such an allocator knows is size.
Problem size_problem(const AllocationRequest& request) {
  Problem problem = make_problem(request);
  set_values(problem, decisions_of(request), [&](std::size_t, std::size_t width) {
    return static_cast<double>(request.candidates[width]);
  });
  return problem;
}

Allocation projection(const AllocationRequest& request) {
  const auto began = Clock::now();
  const Problem problem = size_problem(request);
  require_feasible(problem);
  const std::vector<double> ones(problem.items.size(), 1.0);
  std::vector<double> widths = project_onto_budget(continuous_program(problem, ones));
  double total = 0;
  for (const double width : widths) total += width;
  Solution solution = rounded(problem, std::move(widths), total, request.rounding, "projection");
  solution.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return finish(request, std::move(solution));
}

Allocation size_only(const AllocationRequest& request) {
  return finish(request, solve_integer_program(size_problem(request), request.integer));
}

Allocation uniform(const AllocationRequest& request) {
  const auto began = Clock::now();
  const Problem problem = size_problem(request);
  require_feasible(problem);
  Solution solution;
  solution.status = Status::Rule;
  solution.solver = "uniform";
  for (std::size_t j = request.candidates.size(); j-- > 0;) {
    solution.choice.assign(problem.items.size(), j);
    solution.costs = costs_of(problem, solution.choice);
    if (fits(problem, solution.costs)) break;
  }
  solution.objective = objective_of(problem, solution.choice);
  solution.bound = solution.objective;
  solution.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return finish(request, std::move(solution));
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

std::span<const Allocator> allocators() {
  static const std::array<Allocator, 6> kAllocators{
      Allocator{"output-error",
                "exact integer program: the least summed effect on the network's output",
                output_error},
      Allocator{"orm", "the paper's: linear program over orthogonality, then rounding", orm_linear},
      Allocator{"orm-ilp", "exact integer program over the paper's importance", orm_integer},
      Allocator{"projection",
                "upper widths projected onto the budget: what the published lists are",
                projection},
      Allocator{"size-only", "exact integer program: the most bits in total, no signal", size_only},
      Allocator{"uniform", "one width for all: the largest that fits", uniform}};
  return kAllocators;
}

const Allocator& allocator(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Allocator& candidate : allocators()) {
    if (candidate.name == name) return candidate;
    names.push_back(candidate.name);
  }
  throw ConfigError(
      "allocation",
      fmt::format("unknown allocator '{}'; known are {}", name, fmt::join(names, ", ")));
}

Problem make_problem(const AllocationRequest& request) {
  require_candidates(request.candidates);
  const Decisions decisions = decisions_of(request);
  Problem problem;
  problem.constraints =
      constraints_of(request.budget, request.layers, request.cost, request.float_bytes);
  for (std::size_t i = 0; i < decisions.all.size(); ++i) {
    if (decisions.open(i)) {
      problem.items.push_back(make_item(request, decisions.all[i], problem.constraints));
      continue;
    }
    const int bits = *request.first_last_bits;
    for (Constraint& constraint : problem.constraints) {
      constraint.base += item_cost(request, decisions.all[i], bits, bits, constraint.quantity);
    }
  }
  return problem;
}

}  // namespace ompq::allocation
