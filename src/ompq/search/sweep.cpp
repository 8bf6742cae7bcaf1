#include "ompq/search/sweep.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "ompq/allocation/curve.h"
#include "ompq/core/byte_count.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/graph/passes.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/stopwatch.h"
#include "ompq/search/allocate.h"
#include "ompq/search/fidelity_probe.h"

namespace ompq::search {
namespace {

/// A metric of the weights only, which can be measured on every network and with any samples.
std::string metric_for_every_network() {
  const auto row = std::ranges::find(
      sensitivity::metrics(), sensitivity::Needs::Weights, &sensitivity::Metric::needs);
  return std::string(row->name);
}

report::SweepPoint measured(const allocation::CurvePoint& point, FidelityProbe& probe) {
  const allocation::Allocation& allocation = point.allocation;
  return {.weight_bits = allocation.weight_bits,
          .average_bits = allocation.cost.average_bits,
          .bytes = point.cost,
          .gbops = static_cast<double>(allocation.cost.bops) / 1e9,
          .predicted_loss = point.loss,
          .gap = point.gap,
          .divergence = probe.divergence(widths_of(allocation))};
}

/// Bytes of the file whose metadata states a budget of exactly these bytes, as 'ompq quantize'
/// writes it for an allocation picked here.
std::int64_t bytes_of(const allocation::Allocation& allocation, const pipeline::FileSize& size) {
  allocation::Budget own;
  own.bytes = size.bytes(allocation);
  constexpr int kAttempts = 4;  // more digits can make the file longer once or twice
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::int64_t bytes = size.answering(own).bytes(allocation);
    if (bytes == *own.bytes) break;
    own.bytes = bytes;
  }
  return *own.bytes;
}

/// Sorts by file size and removes points that another one beats in both size and loss, since exact
/// sizes differ from the cost model's by a few bytes.
std::vector<allocation::CurvePoint> by_file_size(std::vector<allocation::CurvePoint> points,
                                                 const pipeline::FileSize& size) {
  for (auto& point : points) point.cost = bytes_of(point.allocation, size);
  std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.loss < b.loss;
  });
  std::vector<allocation::CurvePoint> kept;
  for (auto& point : points) {
    if (kept.empty() || point.loss < kept.back().loss) kept.push_back(std::move(point));
  }
  return kept;
}

std::size_t knee_of(const std::vector<report::SweepPoint>& points) {
  std::vector<double> sizes;
  std::vector<double> divergences;
  for (const auto& point : points) {
    sizes.push_back(static_cast<double>(point.bytes));
    divergences.push_back(point.divergence);
  }
  return allocation::knee(sizes, divergences);
}

/// The largest file within `bytes`.
std::size_t pick(const std::vector<report::SweepPoint>& points, std::int64_t bytes) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].bytes <= bytes && (!best || points[i].bytes > points[*best].bytes)) best = i;
  }
  if (!best) {
    throw InfeasibleBudget("sweep",
                           fmt::format("no file on the curve fits {}; the smallest takes {} ({} "
                                       "bytes)",
                                       format_bytes(bytes),
                                       format_bytes(points.front().bytes),
                                       points.front().bytes));
  }
  return *best;
}

/// The smallest file that loses at most `loss` of the float network's quality.
std::size_t smallest_within(const report::Sweep& report, double loss) {
  const auto& points = report.points;
  const double full = report.float_quality.value();
  const double least = full - loss;
  // Not compared with `least`, which is rounded: a loss computed from qualities allows itself.
  const auto found = std::ranges::find_if(
      points, [&](const auto& point) { return full - *point.quality <= loss; });
  if (found != points.end()) return static_cast<std::size_t>(found - points.begin());
  const auto& best = *std::ranges::max_element(
      points, {}, [](const report::SweepPoint& point) { return *point.quality; });
  throw InfeasibleBudget(
      "sweep",
      fmt::format("no network on the curve has a quality of {:g} or more, which is {:g} for the "
                  "float network less --max-loss {:g}; the best one has {:g} with {} ({} bytes). "
                  "Allow a larger loss, more points (--points) or more bits (--candidates)",
                  least,
                  full,
                  loss,
                  *best.quality,
                  format_bytes(best.bytes),
                  best.bytes));
}

/// The allocation of a point, whose budget is its own size.
allocation::AllocationFile file_of_point(const allocation::AllocationRequest& request,
                                         const allocation::CurvePoint& point,
                                         const std::string& metric,
                                         const pipeline::Model& model) {
  allocation::Budget budget = request.budget;
  budget.bytes = point.cost;
  return file_of(request, point.allocation, budget, metric, model);
}

}  // namespace

SweepOutcome sweep(const pipeline::Model& model,
                   pipeline::Samples& samples,
                   const SweepOptions& options,
                   const ProgressHandler& progress,
                   const QualityJudge& judge) {
  SweepOutcome outcome;
  report::Sweep& report = outcome.report;
  pipeline::Stopwatch watch(report.seconds);
  const SearchOptions& search = options.search;
  const pipeline::Halves halves = pipeline::halves_of(samples.indices);
  RoundedWeights weights(model, search.weights);
  const pipeline::FileSize size(model, search.weights, search.form);
  allocation::AllocationRequest request = free_request(model, search.request);
  const auto measured_by = [&](const std::string& metric) {
    return measure(model,
                   *samples.dataset,
                   halves.measuring,
                   {.metrics = {metric},
                    .widths = widths_to_measure(request, search.request),
                    .beta = search.beta,
                    .seed = search.request.seed,
                    .batch_size = search.batch_size,
                    .executor = search.executor},
                   weights,
                   progress);
  };
  report.metric = options.metric;
  Measurements measurements = measured_by(report.metric);
  if (!measurements.losses.contains(report.metric)) {
    report.requested = std::exchange(report.metric, metric_for_every_network());
    log().warn("--metric {} is not measured here ({}); {} is used instead",
               report.requested,
               measurements.dropped.at(report.requested),
               report.metric);
    measurements = measured_by(report.metric);
  }
  watch.lap("measurement");
  request.loss = losses_for(request, measurements.losses.at(report.metric));
  request = anchored(std::move(request), size);
  const auto points =
      by_file_size(allocation::lagrangian_curve(request, {.points = options.points}).points, size);
  watch.lap("curve");
  ActivationRanges ranges(model, *samples.dataset, samples.indices, calibration_of(search));
  FidelityProbe probe(model,
                      weights,
                      ranges,
                      *samples.dataset,
                      halves.judging,
                      search.batch_size,
                      judging_executor(search));
  for (const allocation::CurvePoint& point : points) {
    report.points.push_back(measured(point, probe));
    if (progress) {
      progress({"curve",
                static_cast<std::int64_t>(report.points.size()),
                static_cast<std::int64_t>(points.size()),
                {}});
    }
  }
  watch.lap("fidelity");
  if (judge.quality_of) {
    report.float_quality = judge.float_quality;
    for (std::size_t i = 0; i < points.size(); ++i) {
      report.points[i].quality =
          judge.quality_of(file_of_point(request, points[i], report.metric, model));
    }
    watch.lap("quality");
  }
  report.knee = knee_of(report.points);
  try {
    if (options.pick_bytes) report.picked = pick(report.points, *options.pick_bytes);
    if (options.max_loss) report.picked = smallest_within(report, *options.max_loss);
  } catch (const InfeasibleBudget& error) {
    outcome.refusal = error;
    report.picked.reset();
  }
  outcome.chosen =
      file_of_point(request, points[report.picked.value_or(report.knee)], report.metric, model);
  report.model = {model.file.string(), model.sha256, model.file_bytes};
  report.samples = samples.used;
  report.samples.skipped = samples.dataset->skipped();
  report.measure = divergence_measure(graph::with_float_outputs(model.graph));
  report.activation_bits = activation_text(search.request);
  report.layers = pipeline::layer_rows(model);
  return outcome;
}

}  // namespace ompq::search
