#include "ompq/search/allocator_table.h"

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::search {
namespace {

/// The allocators of metrics for which `is` returns true.
template <typename Predicate>
void add_metrics(std::vector<AllocatorRow>& rows, Predicate is) {
  for (const sensitivity::Metric& metric : sensitivity::metrics()) {
    if (!metric.solver.empty() && is(metric)) rows.push_back(row_of_metric(metric));
  }
}

bool judges_outputs(const sensitivity::Metric& metric) { return metric.output_loss != nullptr; }

std::vector<AllocatorRow> listed_allocators() {
  std::vector<AllocatorRow> rows{
      {.name = "auto",
       .summary = "the best of all metrics on this network, refined by running the network"}};
  add_metrics(rows, judges_outputs);
  rows.push_back({.name = "pairwise",
                  .summary = "output-mse with the interaction of layers in a block",
                  .metric = "output-mse",
                  .solver = "pairwise",
                  .pairs = true});
  add_metrics(rows, [](const sensitivity::Metric& metric) { return !judges_outputs(metric); });
  rows.push_back({.name = "orm",
                  .summary = "the paper's: linear program over orthogonality, then rounding",
                  .solver = "orm",
                  .importance = true,
                  .paper_ranges = true,
                  .paper_solver = "lp"});
  rows.push_back({.name = "orm-ilp",
                  .summary = "exact integer program over the paper's importance",
                  .solver = "orm-ilp",
                  .importance = true,
                  .paper_solver = "ilp"});
  rows.push_back(
      {.name = "projection",
       .summary = "upper widths projected onto the budget, which gives the published lists",
       .solver = "projection",
       .paper_ranges = true,
       .paper_solver = "projection"});
  rows.push_back({.name = "size-only",
                  .summary = "the most bits in total, without measuring",
                  .solver = "size-only"});
  rows.push_back({.name = "uniform",
                  .summary = "one width for all: the largest that fits",
                  .solver = "uniform"});
  rows.push_back({.name = "random",
                  .summary = "widths raised in a random order while they fit",
                  .solver = "random",
                  .is_random = true});
  return rows;
}

}  // namespace

AllocatorRow row_of_metric(const sensitivity::Metric& metric) {
  return {.name = metric.name,
          .summary = metric.summary,
          .metric = metric.name,
          .solver = metric.solver,
          .importance = metric.needs == sensitivity::Needs::Importance};
}

RowTable<AllocatorRow>& allocator_table_rows() {
  static RowTable<AllocatorRow> table(listed_allocators());
  return table;
}

std::span<const AllocatorRow> allocator_table() { return allocator_table_rows().rows(); }

const AllocatorRow& allocator_row(std::string_view name) {
  return allocator_table_rows().get(name, "allocator", "allocator");
}

const AllocatorRow& paper_row(std::string_view solver) {
  const AllocatorRow* found = allocator_table_rows().find_if([&](const AllocatorRow& row) {
    return !row.paper_solver.empty() && row.paper_solver == solver;
  });
  if (found == nullptr) {
    throw InternalError("allocator", fmt::format("no allocator has the solver '{}'", solver));
  }
  return *found;
}

allocation::Scheme scheme_for(const AllocatorRow& row, allocation::Scheme asked) {
  return asked == allocation::Scheme::Free && row.paper_ranges ? allocation::Scheme::PaperPtq
                                                               : asked;
}

std::vector<std::string> output_metrics() {
  std::vector<std::string> names;
  for (const sensitivity::Metric& metric : sensitivity::metrics()) {
    if (judges_outputs(metric)) names.emplace_back(metric.name);
  }
  return names;
}

}  // namespace ompq::search
