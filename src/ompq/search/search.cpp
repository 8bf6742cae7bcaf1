#include "ompq/search/search.h"

#include <algorithm>
#include <optional>
#include <set>

#include <spdlog/spdlog.h>

#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/stopwatch.h"
#include "ompq/search/allocate.h"
#include "ompq/search/loss_target.h"
#include "ompq/search/session.h"

namespace ompq::search {
namespace {

/// The allocator that can answer wherever one can.
std::string automatic_allocator() {
  const auto rows = allocator_table();
  return std::string(std::ranges::find_if(rows, &AllocatorRow::tries_others)->name);
}

/// True if the measurements of `chosen` include those that `other` needs.
bool covers(const AllocatorRow& chosen, const AllocatorRow& other) {
  if (chosen.tries_others()) return true;
  if (other.tries_others()) return false;
  if (other.importance && !chosen.importance) return false;
  if (other.pairs && !chosen.pairs) return false;
  return other.metric.empty() || other.metric == chosen.metric;
}

/// The chosen allocator and those to compare it with.
std::vector<std::string> asked_allocators(const SearchOptions& options, const std::string& chosen) {
  std::vector<std::string> names{chosen};
  for (const std::string& name : options.beside) {
    const AllocatorRow& row = allocator_row(name);
    if (!options.measure_for_beside && !covers(allocator_row(chosen), row)) continue;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

/// Measures everything that these allocators need, at once.
void prepare(SearchSession& session, const std::vector<std::string>& names) {
  std::set<std::string> measured(names.begin(), names.end());
  std::erase_if(measured,
                [](const std::string& name) { return allocator_row(name).tries_others(); });
  session.prepare(measured);
}

/// The requested allocator, or `auto` if that needs something that cannot be measured.
std::string able_allocator(const SearchOptions& options, SearchSession& session) {
  const auto reason = session.unusable_reason(options.allocator);
  if (!reason) return options.allocator;
  const std::string instead = automatic_allocator();
  log().warn("--allocator {} cannot be used here ({}); {} is used instead",
             options.allocator,
             *reason,
             instead);
  return instead;
}

report::AllocationRow allocation_row(const std::string& name,
                                     const SolvedRequest& solved,
                                     const SearchSession& session) {
  const allocation::Allocation& allocation = solved.allocation;
  report::AllocationRow row;
  row.allocator = name;
  row.weight_bits = allocation.weight_bits;
  row.average_bits = allocation.cost.average_bits;
  row.bytes = solved.bytes;
  allocation::CostOptions paper;
  paper.accounting = allocation::Accounting::Paper;
  row.paper_mib =
      static_cast<double>(
          allocation::total_cost(solved.request.layers, allocation.weight_bits, {}, paper).bytes) /
      1048576.0;
  row.gbops = static_cast<double>(allocation.cost.bops) / 1e9;
  const auto& losses = session.losses();
  if (!losses.empty()) {
    row.predicted_loss = predicted_loss(losses.begin()->second, allocation.weight_bits);
  }
  row.solver.name = allocation.solution.solver;
  row.solver.status = allocation::name_of(allocation.solution.status);
  if (!allocation.solution.within_budget) row.solver.status += ", exceeds the budget";
  row.solver.objective = allocation.solution.objective;
  row.solver.gap = allocation.solution.gap;
  row.solver.seconds = allocation.solution.seconds;
  return row;
}

/// @return the chosen allocation.
allocation::Allocation solve_all(SearchOutcome& outcome,
                                 const std::vector<std::string>& names,
                                 const pipeline::Model& model,
                                 const SearchOptions& options,
                                 const allocation::Budget& budget,
                                 SearchSession& session) {
  allocation::Allocation result;
  for (const std::string& name : names) {
    const bool chosen = name == names.front();
    const auto refuse = [&](const Error& error) {
      report::AllocationRow refused;
      refused.allocator = name;
      refused.refused = error.what();
      outcome.report.allocations.push_back(std::move(refused));
    };
    try {
      SolvedRequest solved = session.solve(name, budget);
      outcome.report.allocations.push_back(allocation_row(name, solved, session));
      if (!chosen) continue;
      if (name != options.allocator)
        outcome.report.allocations.back().requested = options.allocator;
      outcome.chosen = file_of(solved.request, solved.allocation, budget, name, model);
      outcome.report.accounting = enum_name(solved.request.cost.accounting);
      outcome.report.portfolio = std::move(solved.portfolio);
      result = std::move(solved.allocation);
    } catch (const InfeasibleBudget& error) {
      if (chosen) throw;
      refuse(error);
    } catch (const ConfigError& error) {  // the paper's rounding supports only one budget
      if (chosen) throw;
      refuse(error);
    } catch (const DataError& error) {  // a required measurement is not possible
      if (chosen) throw;
      refuse(error);
    }
  }
  return result;
}

/// Keeps the chosen allocation if it is within the loss; otherwise replaces it by the one with
/// which the size was found.
void settle(SearchOutcome& outcome,
            const allocation::Allocation& chosen,
            std::vector<std::string> names,
            const pipeline::Model& model,
            const SearchOptions& options,
            const allocation::Budget& budget,
            SearchSession& session,
            LossTarget& target) {
  if (target.keeps(chosen, outcome.chosen) || names.front() == target.allocator()) return;
  std::erase(names, target.allocator());
  names.front() = target.allocator();
  outcome.report.allocations.clear();
  outcome.report.portfolio.reset();
  const allocation::Allocation settled = solve_all(outcome, names, model, options, budget, session);
  (void)target.keeps(settled, outcome.chosen);
}

void fill_measurements(report::Search& report, const SearchSession& session, double beta) {
  const Measurements& measured = session.measurements();
  if (measured.features) {
    report.orm = measured.features->matrix.values;
    report.estimator =
        measured.features->estimator == orm::Estimator::Biased ? "biased" : "debiased";
  }
  report.beta = beta;
  report.gamma = measured.importance.gamma;
  report.theta = measured.importance.theta;
  report.coefficients = measured.importance.coefficients;
  for (const auto& [name, table] : session.losses()) {
    report::LossRows& rows = report.losses.emplace_back();
    rows.metric = name;
    rows.unit = sensitivity::metric(name).unit;
    for (const BitWidth width : table.widths) rows.widths.push_back(width.value());
    rows.values = table.values;
  }
  for (const auto& [metric, reason] : session.dropped()) report.dropped.push_back({metric, reason});
}

/// The part of the report that does not depend on the decisions.
void describe_search(report::Search& report,
                     const pipeline::Model& model,
                     const pipeline::Samples& samples,
                     const SearchOptions& options,
                     const allocation::Budget& budget) {
  report.model = {model.file.string(), model.sha256, model.file_bytes};
  report.samples = samples.used;
  report.samples.skipped = samples.dataset->skipped();
  report.budget = allocation::describe(budget);
  report.scheme = enum_name(options.request.scheme);
  const bool narrow =
      options.executor.precision == runtime::Precision::BFloat16 ||
      (options.executor.precision == runtime::Precision::Auto && runtime::has_native_bfloat16());
  report.precision = narrow ? "bfloat16" : "float32";
  report.activation_bits = activation_text(options.request);
  report.layers = pipeline::layer_rows(model);
}

}  // namespace

void check_budget(const pipeline::Model& model, const SearchOptions& options) {
  if (options.max_loss && options.request.budget.empty()) return;
  if (options.request.scheme != allocation::Scheme::Free) return;
  allocation::AllocationRequest request = free_request(model, options.request);
  request.budget = options.request.budget;
  const auto size =
      pipeline::FileSize(model, options.weights, options.form).answering(request.budget);
  try {
    (void)allocate(allocation::allocator("size-only").allocate, request, size);
  } catch (const ConfigError&) {  // these budgets cannot be combined; the solver reports it for the
                                  // requested one
  }
}

SearchOutcome search(const pipeline::Model& model,
                     pipeline::Samples& samples,
                     const SearchOptions& options,
                     const ProgressHandler& progress) {
  SearchOutcome outcome;
  pipeline::Stopwatch watch(outcome.report.seconds);
  const auto asked = asked_allocators(options, options.allocator);  // reports unknown names first
  check_budget(model, options);
  SearchSession session(model, samples, options, progress);
  std::vector<std::string> names{options.allocator};
  if (session.leaves_no_choice(options.allocator)) {
    log().info("every width is pinned, excluded or the only candidate: nothing is measured");
  } else {
    prepare(session, asked);
    names = asked_allocators(options, able_allocator(options, session));
  }
  watch.lap("measurement");
  allocation::Budget budget = options.request.budget;
  std::optional<LossTarget> target;
  if (options.max_loss) {
    target.emplace(model, samples, options, session, progress);
    budget.bytes = target->smallest(budget);
    watch.lap("size");
  }
  const allocation::Allocation chosen = solve_all(outcome, names, model, options, budget, session);
  if (target) {
    settle(outcome, chosen, names, model, options, budget, session, *target);
    outcome.report.loss_target = target->report();
  }
  watch.lap("allocation");
  describe_search(outcome.report, model, samples, options, budget);
  fill_measurements(outcome.report, session, options.beta);
  return outcome;
}

}  // namespace ompq::search
