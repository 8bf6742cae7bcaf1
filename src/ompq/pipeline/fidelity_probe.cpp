#include "ompq/pipeline/fidelity_probe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ompq/core/error.h"
#include "ompq/data/batches.h"
#include "ompq/pipeline/class_scores.h"

namespace ompq::pipeline {
namespace {

double squared_norm(const Tensor& output) {
  double sum = 0;
  for (const float value : output.data<float>()) sum += static_cast<double>(value) * value;
  return sum;
}

/// [sample], by the first output.
std::vector<double> distances(const std::vector<Tensor>& outputs,
                              const std::vector<Tensor>& reference) {
  const Tensor& output = outputs.front();
  const auto samples = static_cast<std::size_t>(output.shape().front());
  std::vector<double> result(samples, 0.0);
  if (const auto scores = as_scores(output)) {
    const Scores expected = *as_scores(reference.front());
    for (std::size_t i = 0; i < samples; ++i) {
      const auto row = static_cast<std::int64_t>(i);
      result[i] = divergence(expected.row(row), scores->row(row));
    }
    return result;
  }
  const auto x = output.data<float>();
  const auto y = reference.front().data<float>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double difference = static_cast<double>(x[i]) - y[i];
    result[i * samples / x.size()] += difference * difference;
  }
  return result;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// Indices of decisions in the order in which the network reads their first layers: a tied layer
/// may stand before the one that leads.
std::vector<std::size_t> by_first_layer(const std::vector<allocation::DecisionItem>& decisions) {
  std::vector<std::size_t> order(decisions.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return decisions[a].layers.front() < decisions[b].layers.front();
  });
  return order;
}

}  // namespace

FidelityProbe::FidelityProbe(const Model& model,
                             RoundedWeights& weights,
                             data::Dataset& dataset,
                             const std::vector<std::int64_t>& indices,
                             std::int64_t batch_size,
                             const runtime::ExecutorOptions& options)
    : model_(model),
      weights_(weights),
      executor_(model.graph, options),
      applied_(model.discovery.layers.size(), allocation::kFloatBits) {
  data::for_each_batch(dataset, indices, batch_size, [&](const data::Batch& batch) {
    Batch& kept = batches_.emplace_back(Batch{batch.inputs, executor_.run(batch.inputs)});
    const Tensor& output = kept.reference.front();
    divisor_ += as_scores(output) ? static_cast<double>(batch.size) : squared_norm(output);
  });
  if (!(divisor_ > 0)) {
    throw DataError("search",
                    "no sample is left to rank allocations with; give at least one that decodes "
                    "and that the network answers to");
  }
}

double FidelityProbe::mean(double total) const { return total / divisor_; }

void FidelityProbe::set_width(std::size_t layer, int bits) {
  if (applied_[layer] == bits) return;
  executor_.set_constant(model_.discovery.layers[layer].weight, weights_.get(layer, bits));
  applied_[layer] = bits;
}

void FidelityProbe::apply(const Widths& widths) {
  for (std::size_t l = 0; l < widths.size(); ++l) set_width(l, widths[l]);
}

const std::vector<double>& FidelityProbe::by_sample(const Widths& widths) {
  const auto known = known_.find(widths);
  if (known != known_.end()) return known->second;
  check_interrupt();
  apply(widths);
  std::vector<double> all;
  for (const Batch& batch : batches_) {
    const auto some = distances(executor_.run(batch.inputs), batch.reference);
    all.insert(all.end(), some.begin(), some.end());
  }
  ++evaluations_;
  return known_[widths] = std::move(all);
}

double FidelityProbe::divergence(const Widths& widths) { return mean(sum_of(by_sample(widths))); }

bool FidelityProbe::surely_better(const Widths& widths, const Widths& other) {
  const std::vector<double>& a = by_sample(widths);
  const std::vector<double>& b = by_sample(other);
  const auto n = static_cast<double>(a.size());
  const double shift = (sum_of(a) - sum_of(b)) / n;
  double variance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    variance += (a[i] - b[i] - shift) * (a[i] - b[i] - shift);
  }
  const double error = a.size() < 2 ? 0.0 : std::sqrt(variance / (n - 1) / n);
  return shift < 0 && shift <= -2 * error;
}

std::vector<std::vector<double>> FidelityProbe::alternatives(
    const Widths& widths,
    const std::vector<allocation::DecisionItem>& decisions,
    const std::vector<std::vector<int>>& alternatives,
    const ProgressHandler& progress) {
  std::vector<std::vector<double>> totals;
  for (const auto& tried : alternatives) totals.emplace_back(tried.size(), 0.0);
  apply(widths);
  std::int64_t done = 0;
  const auto steps = static_cast<std::int64_t>(batches_.size() * decisions.size());
  for (const Batch& batch : batches_) {
    runtime::Executor::State state = executor_.start(batch.inputs);
    for (const std::size_t d : by_first_layer(decisions)) {
      const auto& layers = decisions[d].layers;
      executor_.advance_to_reader_of(state, model_.discovery.layers[layers.front()].weight);
      for (std::size_t a = 0; a < alternatives[d].size(); ++a) {
        check_interrupt();
        for (const std::size_t l : layers) set_width(l, alternatives[d][a]);
        totals[d][a] +=
            sum_of(distances(executor_.finish(runtime::Executor::State(state)), batch.reference));
      }
      for (const std::size_t l : layers) set_width(l, widths[l]);
      if (progress) progress({"refinement", ++done, steps, {}});
    }
  }
  for (auto& row : totals) {
    evaluations_ += static_cast<std::int64_t>(row.size());
    for (double& value : row) value = mean(value);
  }
  return totals;
}

}  // namespace ompq::pipeline
