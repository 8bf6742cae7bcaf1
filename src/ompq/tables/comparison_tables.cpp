#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/display_text.h"
#include "ompq/tables/result_tables.h"
#include "ompq/tables/result_texts.h"
#include "ompq/tables/table.h"

namespace ompq::tables {
namespace {

/// Top-1 if there are labels, else agreement with the float network.
std::string kept_text(const report::Evaluation& evaluation) {
  return percent(evaluation.top1 ? evaluation.top1 : evaluation.agreement);
}

const report::ComparisonRow* row_at(const report::Comparison& comparison,
                                    const std::string& allocator,
                                    const std::string& budget) {
  for (const auto& row : comparison.rows) {
    if (row.allocator == allocator && row.budget == budget) return &row;
  }
  return nullptr;
}

/// Allocators x budgets: accuracy, and the used share of the budget.
std::string kept_table(const report::Comparison& comparison) {
  std::vector<Table::Column> columns{{"allocator"}};
  for (const std::string& budget : comparison.budgets) columns.push_back({budget, Align::Right});
  columns.push_back({"mean", Align::Right});
  Table table(std::move(columns));
  for (const std::string& allocator : comparison.allocators) {
    std::vector<std::string> cells{allocator};
    double sum = 0;
    int answers = 0;
    for (const std::string& budget : comparison.budgets) {
      const report::ComparisonRow* row = row_at(comparison, allocator, budget);
      const bool answered = row != nullptr && is_answer(*row);
      cells.push_back(answered ? kept_text(row->evaluation) : "refused");
      if (!answered) continue;
      const auto& evaluation = row->evaluation;
      sum += evaluation.top1.value_or(evaluation.agreement.value_or(0));
      ++answers;
    }
    const bool all = answers == static_cast<int>(comparison.budgets.size());
    cells.push_back(all ? percent(sum / answers) : "-");
    table.add_row(cells);
  }
  return table.text();
}

std::string comparison_rows_table(const report::Comparison& comparison) {
  Table table({{"budget"},
               {"allocator"},
               {"kept", Align::Right},
               {"divergence", Align::Right},
               {"bits/weight", Align::Right},
               {"bytes", Align::Right},
               {"GBOPs", Align::Right},
               {"seconds", Align::Right}});
  for (const auto& row : comparison.rows) {
    if (!is_answer(row)) continue;
    const auto& divergence = row.evaluation.divergence;
    table.add_row({row.budget,
                   row.allocator,
                   kept_text(row.evaluation),
                   divergence ? fmt::format("{:.4f}", *divergence) : "-",
                   fmt::format("{:.3f}", row.average_bits),
                   std::to_string(row.bytes),
                   fmt::format("{:.3f}", row.gbops),
                   fmt::format("{:.1f}", row.seconds)});
  }
  return table.text();
}

std::string difference_text(const std::optional<report::PairedDifference>& difference) {
  if (!difference) return "-";
  return fmt::format("{:+.2f} ({:+.2f} to {:+.2f})",
                     100 * difference->mean,
                     100 * difference->lower,
                     100 * difference->upper);
}

/// Each allocator's difference from the first one, of the mean over the budgets.
std::string difference_table(const report::Comparison& comparison) {
  const bool labelled = comparison.float_evaluation.top1.has_value();
  std::vector<Table::Column> columns{{"allocator"}};
  if (labelled) columns.push_back({"top-1", Align::Right});
  columns.push_back({"agreement", Align::Right});
  Table table(std::move(columns));
  for (const report::AllocatorMean& mean : comparison.means) {
    if (!mean.top1_difference && !mean.agreement_difference) continue;
    std::vector<std::string> cells{mean.allocator};
    if (labelled) cells.push_back(difference_text(mean.top1_difference));
    cells.push_back(difference_text(mean.agreement_difference));
    table.add_row(std::move(cells));
  }
  return table.text();
}

bool has_differences(const report::Comparison& comparison) {
  return std::ranges::any_of(comparison.means, [](const report::AllocatorMean& mean) {
    return mean.top1_difference || mean.agreement_difference;
  });
}

std::string correlation_table(const report::Comparison& comparison) {
  Table table({{"metric"}, {"with top-1", Align::Right}, {"with divergence", Align::Right}});
  const auto cell = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.2f}", *value) : std::string("-");
  };
  for (const auto& row : comparison.rank_correlation) {
    table.add_row({row.metric, cell(row.accuracy), cell(row.divergence)});
  }
  return table.text();
}

}  // namespace

std::string comparison_text(const report::Comparison& comparison) {
  const auto& real = comparison.float_evaluation;
  const bool labelled = real.top1.has_value();
  std::string text =
      fmt::format("{}: {}\nmeasured with {}\nevaluated on {}\nactivations {}\n\n{}, {} rounding:\n",
                  display_text(comparison.model.file),
                  labelled ? fmt::format("float top-1 {}", percent(real.top1)) : "no labels",
                  samples_text(comparison.samples),
                  samples_text(comparison.evaluated_on),
                  comparison.activation_bits,
                  labelled ? "top-1" : "agreement with the float network",
                  comparison.rounding.empty() ? "nearest" : comparison.rounding);
  text += kept_table(comparison) + "\n" + comparison_rows_table(comparison);
  for (const auto& row : comparison.rows) {
    if (!is_answer(row)) {
      text += fmt::format("{} at {}: {}\n", row.allocator, row.budget, display_text(row.refused));
    }
  }
  if (has_differences(comparison)) {
    text += fmt::format(
        "\ndifference from {}, mean over the budgets on the same samples, percentage points (95 % "
        "interval):\n{}",
        display_name(comparison.allocators.front()),
        difference_table(comparison));
  }
  if (!comparison.rank_correlation.empty()) {
    text += fmt::format(
        "\nrank correlation of predicted and measured losses, {} random allocations per "
        "budget:\n{}",
        comparison.random_allocations,
        correlation_table(comparison));
  }
  return text + "\n" + seconds_text(comparison.seconds) + "\n";
}

std::string sweep_text(const report::Sweep& sweep) {
  std::string text = fmt::format("{}: {} layers, {}, activations {}, metric {}\n\n",
                                 display_text(sweep.model.file),
                                 sweep.layers.size(),
                                 samples_text(sweep.samples),
                                 sweep.activation_bits,
                                 sweep.requested.empty()
                                     ? sweep.metric
                                     : fmt::format("{} (for {})", sweep.metric, sweep.requested));
  std::vector<Table::Column> columns{{"file", Align::Right},
                                     {"bytes", Align::Right},
                                     {"bits/weight", Align::Right},
                                     {"GBOPs", Align::Right},
                                     {"divergence", Align::Right}};
  if (sweep.float_quality) columns.push_back({"quality", Align::Right});
  columns.push_back({sweep.metric, Align::Right});
  columns.push_back({""});
  Table table(std::move(columns));
  for (std::size_t i = 0; i < sweep.points.size(); ++i) {
    const report::SweepPoint& point = sweep.points[i];
    const bool picked = sweep.picked && *sweep.picked == i;
    std::vector<std::string> cells{format_bytes(point.bytes),
                                   std::to_string(point.bytes),
                                   fmt::format("{:.3f}", point.average_bits),
                                   fmt::format("{:.3f}", point.gbops),
                                   fmt::format("{:.4g}", point.divergence)};
    if (sweep.float_quality) cells.push_back(fmt::format("{:g}", point.quality.value_or(0)));
    cells.push_back(fmt::format("{:.4g}", point.predicted_loss));
    cells.push_back(
        fmt::format("{}{}", i == sweep.knee ? "<- knee " : "", picked ? "<- picked" : ""));
    table.add_row(std::move(cells));
  }
  text += table.text() + fmt::format("\ndivergence: {}\n", sweep.measure);
  if (sweep.float_quality) {
    text += fmt::format("quality: {:g} for the float network\n", *sweep.float_quality);
  }
  return text + seconds_text(sweep.seconds) + "\n";
}

}  // namespace ompq::tables
