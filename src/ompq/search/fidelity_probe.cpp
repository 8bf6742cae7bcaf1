#include "ompq/search/fidelity_probe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

#include "ompq/core/error.h"
#include "ompq/core/memory_budget.h"
#include "ompq/graph/passes.h"
#include "ompq/quant/short_scale.h"
#include "ompq/scores/class_scores.h"

namespace ompq::search {
namespace {

/// sum |x|^2, or the number of elements if they are not floats.
double magnitude_of(const Tensor& output) {
  if (output.type() != DataType::Float32) return static_cast<double>(output.elements());
  double sum = 0;
  for (const float value : output.data<float>()) sum += static_cast<double>(value) * value;
  return sum;
}

/// Adds an output's squared differences, or, for integers, the number of differing elements, per
/// sample; samples are contiguous.
void add_distances(const Tensor& output,
                   const Tensor& reference,
                   double weight,
                   std::vector<double>& by_sample) {
  const auto elements = static_cast<std::size_t>(reference.elements());
  const auto sample_of = [&](std::size_t i) { return i * by_sample.size() / elements; };
  if (output.shape() != reference.shape()) {  // its shape depends on the values
    for (double& sum : by_sample) {
      sum += weight * magnitude_of(reference) / static_cast<double>(by_sample.size());
    }
    return;
  }
  if (reference.type() == DataType::Float32) {
    const auto x = output.data<float>();
    const auto y = reference.data<float>();
    for (std::size_t i = 0; i < elements; ++i) {
      const double difference = static_cast<double>(x[i]) - y[i];
      by_sample[sample_of(i)] += weight * difference * difference;
    }
    return;
  }
  const std::size_t bytes = size_of(reference.type());
  for (std::size_t i = 0; i < elements; ++i) {
    const bool same =
        std::memcmp(&output.bytes()[i * bytes], &reference.bytes()[i * bytes], bytes) == 0;
    if (!same) by_sample[sample_of(i)] += weight;
  }
}

/// Of the divergence of class scores (ADR 8).
constexpr double kTemperature = 4;

/// Factors of class scores, in steps of 9 %.
std::vector<double> tried_factors() {
  std::vector<double> factors;
  for (int eighths = -8; eighths <= 24; ++eighths) factors.push_back(std::exp2(eighths / 8.0));
  return factors;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// The parabola through three points.
struct Parabola {
  std::array<double, 3> x{};
  /// @param y  at x.
  [[nodiscard]] double bend(const std::array<double, 3>& y) const {
    return (slope(y, 1) - slope(y, 0)) / (x[2] - x[0]);
  }
  [[nodiscard]] double lowest(const std::array<double, 3>& y) const {
    return (x[0] + x[1]) / 2 - slope(y, 0) / (2 * bend(y));
  }
  [[nodiscard]] double value(const std::array<double, 3>& y, double at) const {
    return y[0] + slope(y, 0) * (at - x[0]) + bend(y) * (at - x[0]) * (at - x[1]);
  }

 private:
  [[nodiscard]] double slope(const std::array<double, 3>& y, std::size_t i) const {
    return (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
  }
};

/// Distances at the factor with the least sum, between two tried ones, where a parabola through
/// three of them has its minimum: at a temperature, the divergence is almost quadratic in the
/// factor. @param by_factor  [factor][sample]
std::vector<double> at_best_factor(std::vector<std::vector<double>> by_factor) {
  const auto best = std::ranges::min_element(by_factor, {}, sum_of);
  if (best == by_factor.begin() || best + 1 == by_factor.end() || sum_of(*best) == 0) {
    return std::move(*best);
  }
  const std::vector<double> factors = tried_factors();
  const auto at = static_cast<std::size_t>(best - by_factor.begin());
  const Parabola curve{{factors[at - 1], factors[at], factors[at + 1]}};
  const auto below = best - 1;
  const auto above = best + 1;
  const std::array<double, 3> sums{sum_of(*below), sum_of(*best), sum_of(*above)};
  if (curve.bend(sums) <= 0) return std::move(*best);
  const double factor = curve.lowest(sums);
  std::vector<double> result(best->size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double value = curve.value({(*below)[i], (*best)[i], (*above)[i]}, factor);
    result[i] = std::max(0.0, value);
  }
  return result;
}

/// A decision and its first layer in execution order: a tied layer may run before the leader.
struct Visit {
  std::size_t position = 0;
  std::size_t decision = 0;
  graph::ValueId weight = graph::kNoValue;
};

/// Decisions in the order in which the network reads their weights.
std::vector<Visit> visits_of(const std::vector<allocation::DecisionItem>& decisions,
                             const std::vector<graph::Layer>& layers,
                             const runtime::Executor& executor) {
  std::vector<Visit> visits;
  for (std::size_t d = 0; d < decisions.size(); ++d) {
    std::optional<Visit> first;
    for (const std::size_t l : decisions[d].layers) {
      const std::size_t position = executor.reader_position(layers[l].weight);
      if (!first || position < first->position) first = Visit{position, d, layers[l].weight};
    }
    visits.push_back(first.value());
  }
  std::ranges::stable_sort(visits, {}, &Visit::position);
  return visits;
}

NetworkWidths float_widths(const pipeline::Model& model) {
  const std::vector<int> all(model.discovery.layers.size(), allocation::kFloatBits);
  return {.weights = all, .activations = all};
}

}  // namespace

std::string divergence_measure(const graph::Graph& graph) {
  return scores::class_count(graph)
             ? "mean Kullback-Leibler divergence of the classes at temperature 4, with scaled "
               "scores, nats"
             : "squared error of the output over its squared norm";
}

bool surely_below(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  const double shift = (sum_of(a) - sum_of(b)) / n;
  double variance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    variance += (a[i] - b[i] - shift) * (a[i] - b[i] - shift);
  }
  const double error = a.size() < 2 ? 0.0 : std::sqrt(variance / (n - 1) / n);
  return shift < 0 && shift <= -2 * error;
}

FidelityProbe::FidelityProbe(const pipeline::Model& model,
                             RoundedWeights& weights,
                             ActivationRanges& ranges,
                             data::Dataset& dataset,
                             const std::vector<std::int64_t>& indices,
                             std::int64_t batch_size,
                             const runtime::ExecutorOptions& options)
    : model_(model),
      weights_(weights),
      ranges_(ranges),
      dataset_(dataset),
      options_(options),
      executor_(graph::with_float_outputs(model.graph), options),
      kind_(scores::kind_of(graph::with_float_outputs(model.graph))),
      applied_(float_widths(model)) {
  if (batch_size < 1) throw ConfigError("search", "a batch needs at least one sample");
  const auto part = memory_part();
  std::int64_t kept = 0;
  const auto total = static_cast<std::int64_t>(indices.size());
  for (std::int64_t begin = 0; begin < total; begin += batch_size) {
    check_interrupt();
    const std::vector<std::int64_t> some(indices.begin() + begin,
                                         indices.begin() + std::min(begin + batch_size, total));
    const data::Batch loaded = dataset.load(some);
    if (loaded.size == 0) continue;  // broken samples that are skipped
    Batch& own = batches_.emplace_back();
    own.samples = loaded.size;
    own.reference = executor_.run(loaded.inputs);
    for (const Tensor& input : loaded.inputs) {
      kept += static_cast<std::int64_t>(input.bytes().size());
    }
    if (part && kept > *part) {
      own.samples_of = some;
    } else {
      own.inputs = loaded.inputs;
    }
  }
  if (batches_.empty()) {
    throw DataError(
        "search",
        "no sample to rank allocations with could be read; give at least one valid sample");
  }
  weigh();
}

std::vector<Tensor> FidelityProbe::inputs_of(const Batch& batch) const {
  return batch.samples_of.empty() ? batch.inputs : dataset_.load(batch.samples_of).inputs;
}

void FidelityProbe::weigh() {
  by_class_ = scores::as_scores(batches_.front().reference.front(), kind_).has_value();
  std::vector<double> sizes(batches_.front().reference.size(), 0.0);
  double samples = 0;
  for (const Batch& batch : batches_) {
    samples += static_cast<double>(batch.samples);
    for (std::size_t o = 0; o < sizes.size(); ++o) sizes[o] += magnitude_of(batch.reference[o]);
  }
  // For an output that is zero on every sample, use the absolute error.
  for (double& size : sizes) size = size > 0 ? size : 1.0;
  divisor_ = by_class_ ? samples : sizes.front();
  weights_by_output_.assign(sizes.size(), 1.0);
  if (sizes.size() == 1) return;
  if (!by_class_) divisor_ = static_cast<double>(sizes.size());
  for (std::size_t o = 0; o < sizes.size(); ++o) weights_by_output_[o] = 1.0 / sizes[o];
}

std::vector<std::vector<double>> FidelityProbe::distances(const std::vector<Tensor>& outputs,
                                                          const Batch& batch,
                                                          std::span<const double> factors) const {
  const std::vector<double> none(static_cast<std::size_t>(batch.samples), 0.0);
  if (by_class_) {
    std::vector<std::vector<double>> result(factors.size(), none);
    const scores::Scores seen = scores::as_scores(outputs.front(), kind_).value();
    const scores::Scores expected = scores::as_scores(batch.reference.front(), kind_).value();
    for (std::int64_t row = 0; row < seen.rows; ++row) {
      const auto sample = static_cast<std::size_t>(row * batch.samples / seen.rows);
      const auto each =
          scores::scaled_divergences(scores::log_probabilities(expected.row(row), kind_),
                                     scores::log_probabilities(seen.row(row), kind_),
                                     factors,
                                     kTemperature);
      for (std::size_t f = 0; f < factors.size(); ++f) result[f][sample] += each[f];
    }
    return result;
  }
  std::vector<std::vector<double>> result{none};
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    add_distances(outputs[o], batch.reference[o], weights_by_output_[o], result.front());
  }
  return result;
}

double FidelityProbe::mean(double total) const { return total / divisor_; }

void FidelityProbe::set_width(std::size_t layer, int bits) {
  if (applied_.weights[layer] == bits) return;
  executor_.set_constant(model_.discovery.layers[layer].weight, weights_.get(layer, bits));
  set_bias(layer, bits);
  applied_.weights[layer] = bits;
}

void FidelityProbe::set_bias(std::size_t layer, int bits) {
  const graph::Layer& changed = model_.discovery.layers[layer];
  if (changed.bias == graph::kNoValue) return;
  const auto& quantizers = ranges_.quantizers(applied_.activations);
  const auto input = quantizers.find(changed.activation);
  if (input == quantizers.end()) return;
  Tensor bias = *model_.graph.value(changed.bias).constant;
  if (bits != allocation::kFloatBits) {
    quant::round_biases(bias.mutable_data<float>(),
                        input->second.scale.front(),
                        weights_.scales(layer, BitWidth(bits)));
  }
  executor_.set_constant(changed.bias, bias);
}

void FidelityProbe::quantize_activations(const std::vector<int>& activation_bits) {
  if (applied_.activations == activation_bits) return;
  graph::Graph graph = model_.graph;
  rounding::insert_activation_quantizers(
      graph, ranges_.quantizers(activation_bits), ranges_.target());
  executor_ = runtime::Executor(graph::with_float_outputs(graph), options_);
  applied_ = float_widths(model_);
  applied_.activations = activation_bits;
}

void FidelityProbe::apply(const NetworkWidths& widths) {
  quantize_activations(widths.activations);
  for (std::size_t l = 0; l < widths.weights.size(); ++l) set_width(l, widths.weights[l]);
}

const std::vector<double>& FidelityProbe::distances_at(const NetworkWidths& widths) {
  const auto known = known_.find(widths);
  if (known != known_.end()) return known->second;
  check_interrupt();
  apply(widths);
  return known_[widths] = run_all(executor_);
}

std::vector<double> FidelityProbe::run_all(runtime::Executor& executor) {
  const std::vector<double> factors = tried_factors();
  std::vector<std::vector<double>> all(by_class_ ? factors.size() : 1);
  for (const Batch& batch : batches_) {
    check_interrupt();
    const auto some = distances(executor.run(inputs_of(batch)), batch, factors);
    for (std::size_t f = 0; f < all.size(); ++f) {
      all[f].insert(all[f].end(), some[f].begin(), some[f].end());
    }
  }
  ++evaluations_;
  return at_best_factor(std::move(all));
}

std::vector<double> FidelityProbe::by_sample(const graph::Graph& network) {
  runtime::ExecutorOptions options = options_;
  options.integer_kernels = true;
  runtime::Executor executor(graph::with_float_outputs(network), options);
  std::vector<double> all = run_all(executor);
  const auto count = static_cast<double>(all.size());
  for (double& value : all) value = mean(value) * count;
  return all;
}

double FidelityProbe::divergence(const NetworkWidths& widths) {
  return mean(sum_of(distances_at(widths)));
}

bool FidelityProbe::surely_better(const NetworkWidths& widths, const NetworkWidths& other) {
  return surely_below(distances_at(widths), distances_at(other));
}

std::vector<std::vector<double>> FidelityProbe::alternatives(
    const NetworkWidths& widths,
    const std::vector<allocation::DecisionItem>& decisions,
    const std::vector<std::vector<int>>& alternatives,
    const ProgressHandler& progress) {
  const std::vector<double> factors = tried_factors();
  const std::size_t count = by_class_ ? factors.size() : 1;
  // [decision][alternative][factor], of all samples together.
  using ByFactor = std::vector<std::vector<double>>;
  std::vector<std::vector<ByFactor>> totals;
  for (const auto& tried : alternatives) {
    totals.emplace_back(tried.size(), ByFactor(count, {0.0}));
  }
  apply(widths);
  const auto visits = visits_of(decisions, model_.discovery.layers, executor_);
  std::int64_t done = 0;
  const auto steps = static_cast<std::int64_t>(batches_.size() * decisions.size());
  for (const Batch& batch : batches_) {
    runtime::Executor::State state = executor_.start(inputs_of(batch));
    for (const Visit& visit : visits) {
      const std::size_t d = visit.decision;
      const auto& layers = decisions[d].layers;
      executor_.advance_to_reader_of(state, visit.weight);
      for (std::size_t a = 0; a < alternatives[d].size(); ++a) {
        check_interrupt();
        for (const std::size_t l : layers) set_width(l, alternatives[d][a]);
        const auto each =
            distances(executor_.finish(runtime::Executor::State(state)), batch, factors);
        for (std::size_t f = 0; f < count; ++f) totals[d][a][f].front() += sum_of(each[f]);
      }
      for (const std::size_t l : layers) set_width(l, widths.weights[l]);
      if (progress) progress({"refinement", ++done, steps, {}});
    }
  }
  std::vector<std::vector<double>> result;
  for (const auto& row : totals) {
    evaluations_ += static_cast<std::int64_t>(row.size());
    auto& means = result.emplace_back();
    for (const ByFactor& by_factor : row) means.push_back(mean(at_best_factor(by_factor).front()));
  }
  return result;
}

}  // namespace ompq::search
