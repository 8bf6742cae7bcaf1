#include "ompq/pipeline/fidelity_probe.h"

#include <algorithm>
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

double squared_distance(const Tensor& a, const Tensor& b) {
  double sum = 0;
  const auto x = a.data<float>();
  const auto y = b.data<float>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double difference = static_cast<double>(x[i]) - y[i];
    sum += difference * difference;
  }
  return sum;
}

/// Summed over the samples of a batch, by the first output.
double distance(const std::vector<Tensor>& outputs, const std::vector<Tensor>& reference) {
  const auto scores = as_scores(outputs.front());
  if (!scores) return squared_distance(outputs.front(), reference.front());
  const Scores expected = *as_scores(reference.front());
  double sum = 0;
  for (std::int64_t i = 0; i < scores->rows; ++i) {
    sum += divergence(expected.row(i), scores->row(i));
  }
  return sum;
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

double FidelityProbe::divergence(const Widths& widths) {
  const auto known = known_.find(widths);
  if (known != known_.end()) return known->second;
  check_interrupt();
  apply(widths);
  double total = 0;
  for (const Batch& batch : batches_) {
    total += distance(executor_.run(batch.inputs), batch.reference);
  }
  ++evaluations_;
  return known_[widths] = mean(total);
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
            distance(executor_.finish(runtime::Executor::State(state)), batch.reference);
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
