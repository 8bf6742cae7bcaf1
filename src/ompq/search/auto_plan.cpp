#include "ompq/search/auto_plan.h"

#include <algorithm>
#include <array>

#include "ompq/core/elapsed.h"
#include "ompq/graph/passes.h"
#include "ompq/search/allocator_table.h"
#include "ompq/search/request_builder.h"

namespace ompq::search {
namespace {

double macs_of(const pipeline::Model& model) {
  double macs = 0;
  for (const graph::Layer& layer : model.discovery.layers) macs += static_cast<double>(layer.macs);
  return macs;
}

/// True if `auto` may measure interactions, too: at most some seconds of passes, estimated from the
/// network's size so that the result is the same on every machine.
bool pairs_are_cheap(const pipeline::Model& model, std::size_t samples) {
  constexpr double kMacs = 4e11;
  double pairs = 0;
  for (const graph::Block& block : model.discovery.blocks) {
    const auto layers = static_cast<double>(block.layers.size());
    pairs += layers * (layers - 1) / 2;
  }
  constexpr double kPassesPerPair = 4;                    // two widths of each layer
  const double half_passes = kPassesPerPair * pairs / 2;  // the part of the network after the pair
  return half_passes * macs_of(model) * static_cast<double>(samples) < kMacs;
}

/// The metrics of `auto`: all, without those that cannot rate activations if activation widths are
/// chosen.
std::vector<std::string> portfolio_metrics(const RequestOptions& options) {
  std::vector<std::string> names;
  for (const AllocatorRow& row : allocator_table()) {
    if (row.metric.empty()) continue;
    if (chooses_activations(options) && !judges_activations(row.metric)) continue;
    if (std::find(names.begin(), names.end(), row.metric) == names.end()) {
      names.emplace_back(row.metric);
    }
  }
  return names;
}

}  // namespace

bool judges_activations(std::string_view metric) {
  return sensitivity::metric(metric).activation_loss != nullptr;
}

double pass_seconds(const pipeline::Model& model,
                    data::Dataset& dataset,
                    std::vector<std::int64_t> indices,
                    std::int64_t batch_size,
                    const runtime::ExecutorOptions& options) {
  constexpr std::int64_t kFew = 4;
  const auto most = static_cast<std::size_t>(std::min(batch_size, kFew));
  indices.resize(std::min(indices.size(), most));
  const data::Batch batch = dataset.load(indices);
  if (batch.size == 0) return 0;  // broken samples that are skipped
  runtime::Executor executor(graph::with_float_outputs(model.graph), options);
  (void)executor.run(batch.inputs);  // the first pass prepares the kernels
  const auto began = Deadline::Clock::now();
  (void)executor.run(batch.inputs);
  return seconds_since(began) / static_cast<double>(batch.size);
}

TimeShares time_shares(bool compensated) {
  if (compensated)
    return {.rounded = 0.25, .rounded_at_most = 0.6, .measured = 0.55, .solved = 0.6};
  return {.rounded = 0.4, .rounded_at_most = 0.6, .measured = 0.75, .solved = 0.8};
}

TrialPlan trial_in_time(const pipeline::Model& model,
                        std::size_t samples,
                        std::size_t widths,
                        double sample_seconds,
                        double seconds) {
  // Rounding does about a fifth of the multiplications a second that passes do.
  constexpr double kSlower = 5;
  const double seconds_each = kSlower * sample_seconds / std::max(macs_of(model), 1.0);
  constexpr std::size_t kFewest = 16;
  const auto part = [&](std::size_t divisor) {
    return std::min(samples, std::max(kFewest, (samples + divisor - 1) / divisor));
  };
  const std::array<TrialPlan, 5> plans{{
      {samples, {}},
      {part(2), {.tried_ranges = 1, .sweeps = 1}},
      {part(4), {.tried_ranges = 1, .sweeps = 0}},
      {part(8), {.tried_ranges = 1, .sweeps = 0}},
      {part(16), {.tried_ranges = 1, .sweeps = 0}},
  }};
  for (const TrialPlan& plan : plans) {
    if (seconds_each * trial_work(model, plan.samples, widths, plan.care) <= seconds) return plan;
  }
  return plans.back();
}

MeasurementPlan plan_of_auto(const pipeline::Model& model,
                             const RequestOptions& options,
                             MeasurementPlan plan,
                             const AutoMeans& means,
                             std::vector<std::string>& left_out) {
  const auto count = static_cast<double>(means.samples);
  plan.metrics = portfolio_metrics(options);
  plan.deadline = means.deadline;
  plan.orthogonality = true;
  plan.pairs = pairs_are_cheap(model, means.samples);
  if (chooses_activations(options)) {
    plan.activation_widths = options.activation_candidates;
  }
  // Each measured width of a layer takes half a pass on average, gradients about ten.
  const auto narrow =
      std::ranges::count_if(plan.widths, [](int width) { return width <= kWidestMeasured; });
  const auto layers = static_cast<double>(model.discovery.layers.size());
  const double passes = layers * static_cast<double>(narrow) / 2 + 10;
  const double fitting =
      means.deadline.remaining() / std::max(passes * means.sample_seconds, 1e-9);  // samples
  constexpr double kFewest = 2;
  if (plan.pairs && fitting < count) {
    plan.pairs = false;
    left_out.emplace_back("measuring pairwise");
  }
  if (fitting < kFewest) {
    std::erase_if(plan.metrics, [&](const std::string& name) {
      const bool costly = sensitivity::metric(name).needs == sensitivity::Needs::Outputs;
      if (costly) left_out.push_back("measuring " + name);
      return costly;
    });
  }
  // Parts of the samples, so that not all is lost if the time is up.
  const double part = std::clamp(fitting / 4, kFewest, std::max(8.0, count / 4));
  plan.batch_size = std::min(plan.batch_size, static_cast<std::int64_t>(part));
  return plan;
}

}  // namespace ompq::search
