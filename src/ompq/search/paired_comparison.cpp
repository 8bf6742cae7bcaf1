#include "ompq/search/paired_comparison.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/search/intervals.h"

namespace ompq::search {
namespace {

using Member = std::vector<bool> Hits::*;

/// The mean difference of two allocators' hits over the same samples and one or more budgets.
/// @return nullopt if some are unknown.
std::optional<report::PairedDifference> difference_of(const std::vector<const Hits*>& these,
                                                      const std::vector<const Hits*>& others,
                                                      Member member) {
  const std::size_t count = (these.front()->*member).size();
  if (count == 0) return std::nullopt;
  std::vector<double> differences(count, 0.0);
  for (std::size_t b = 0; b < these.size(); ++b) {
    const std::vector<bool>& one = these[b]->*member;
    const std::vector<bool>& other = others[b]->*member;
    if (one.size() != count || other.size() != count) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
      differences[i] += (static_cast<double>(one[i]) - static_cast<double>(other[i])) /
                        static_cast<double>(these.size());
    }
  }
  double sum = 0;
  double squares = 0;
  for (const double difference : differences) {
    sum += difference;
    squares += difference * difference;
  }
  const Interval interval = paired_interval(sum, squares, static_cast<double>(count));
  return report::PairedDifference{
      .mean = sum / static_cast<double>(count), .lower = interval.lower, .upper = interval.upper};
}

/// Of one allocator at all budgets.
struct Column {
  std::vector<const Hits*> hits;
  std::vector<const report::Evaluation*> evaluations;
};

/// @return nullopt unless it has an answer at each budget.
std::optional<Column> column_of(const report::Comparison& comparison,
                                const std::vector<Hits>& hits,
                                const std::string& allocator) {
  Column column;
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    const report::ComparisonRow& row = comparison.rows[i];
    if (row.allocator != allocator) continue;
    if (!row.refused.empty()) return std::nullopt;
    column.hits.push_back(&hits[i]);
    column.evaluations.push_back(&row.evaluation);
  }
  return column.hits.empty() ? std::nullopt : std::optional(column);
}

std::optional<double> mean_of(const Column& column,
                              std::optional<double> report::Evaluation::*share) {
  double sum = 0;
  for (const report::Evaluation* evaluation : column.evaluations) {
    if (!(evaluation->*share)) return std::nullopt;
    sum += *(evaluation->*share);
  }
  return sum / static_cast<double>(column.evaluations.size());
}

}  // namespace

Hits hits_of(const pipeline::EvaluateOutcome& outcome) {
  const auto samples = static_cast<std::size_t>(outcome.evaluation.samples);
  Hits hits;
  if (outcome.correct.size() == samples) hits.correct = outcome.correct;
  if (outcome.agrees.size() == samples) hits.agrees = outcome.agrees;
  return hits;
}

std::string text_of_hits(const std::vector<bool>& hits) {
  std::string text;
  for (const bool hit : hits) text += hit ? '1' : '0';
  return text;
}

std::vector<bool> hits_from_text(const std::string& text,
                                 std::int64_t samples,
                                 const std::optional<double>& share) {
  std::vector<bool> hits;
  for (const char c : text) hits.push_back(c == '1');
  if (hits.empty()) return hits;
  const auto count = std::ranges::count(text, '1');
  const auto zeros = std::ranges::count(text, '0');
  const bool whole = count + zeros == samples;
  const double found =
      static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(samples, 1));
  if (whole && share && std::abs(found - *share) < 1e-9) return hits;
  throw DataError("hits",
                  fmt::format("{} hits and {} misses do not fit {} samples of which {} are hits",
                              count,
                              zeros,
                              samples,
                              share ? fmt::format("{:.4g}", *share) : "unknown"));
}

void add_differences(report::Comparison& comparison, const std::vector<Hits>& hits) {
  const std::string& first = comparison.allocators.front();
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    report::ComparisonRow& row = comparison.rows[i];
    if (row.allocator == first || !row.refused.empty()) continue;
    for (std::size_t f = 0; f < comparison.rows.size(); ++f) {
      const report::ComparisonRow& other = comparison.rows[f];
      if (other.allocator != first || other.budget != row.budget || !other.refused.empty())
        continue;
      row.top1_difference = difference_of({&hits[i]}, {&hits[f]}, &Hits::correct);
      row.agreement_difference = difference_of({&hits[i]}, {&hits[f]}, &Hits::agrees);
    }
  }
  const auto base = column_of(comparison, hits, first);
  for (const std::string& allocator : comparison.allocators) {
    const auto column = column_of(comparison, hits, allocator);
    if (!column) continue;
    report::AllocatorMean mean{.allocator = allocator,
                               .top1 = mean_of(*column, &report::Evaluation::top1),
                               .agreement = mean_of(*column, &report::Evaluation::agreement)};
    if (base && allocator != first) {
      mean.top1_difference = difference_of(column->hits, base->hits, &Hits::correct);
      mean.agreement_difference = difference_of(column->hits, base->hits, &Hits::agrees);
    }
    comparison.means.push_back(std::move(mean));
  }
}

}  // namespace ompq::search
