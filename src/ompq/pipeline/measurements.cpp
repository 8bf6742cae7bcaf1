#include "ompq/pipeline/measurements.h"

#include <algorithm>
#include <optional>

#include "ompq/data/batches.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/tuning/calibration.h"

namespace ompq::pipeline {
namespace {

/// Passes over the network stop at this width. Wider ones disturb little, and follow the error of
/// the layer's own output, within a factor of two (docs/metrics.md).
constexpr int kWidestMeasured = 4;

std::vector<BitWidth> bit_widths(const std::vector<int>& widths) {
  std::vector<BitWidth> result;
  for (const int width : widths) {
    if (width != allocation::kFloatBits) result.emplace_back(width);
  }
  return result;
}

sensitivity::QuantizedWeight rounded(RoundedWeights& weights) {
  return [&weights](std::size_t layer, BitWidth width) { return weights.get(layer, width); };
}

sensitivity::MeasureOptions measure_options(const MeasurementPlan& plan,
                                            const orm::Importance& importance) {
  sensitivity::MeasureOptions options{.metrics = plan.metrics,
                                      .widths = bit_widths(plan.widths),
                                      .seed = plan.seed,
                                      .theta = importance.theta};
  const auto narrow =
      std::ranges::count_if(plan.widths, [](int width) { return width <= kWidestMeasured; });
  if (narrow > 0) options.widest_measured = BitWidth(kWidestMeasured);
  return options;
}

/// What fake-quantizing each activation alone does, with ranges calibrated on the same samples.
sensitivity::ActivationTable measure_activations(const Model& model,
                                                 data::Dataset& dataset,
                                                 const std::vector<std::int64_t>& indices,
                                                 const MeasurementPlan& plan,
                                                 const ProgressHandler& progress) {
  const auto& layers = model.discovery.layers;
  std::map<int, tuning::ActivationQuantizers> quantizers;
  for (const int width : plan.activation_widths) {
    const std::vector<BitWidth> widths(layers.size(), BitWidth(width));
    quantizers[width] = tuning::calibrate_activations(
        model.graph, layers, widths, dataset, indices, {.batch_size = plan.batch_size}, progress);
  }
  sensitivity::ActivationEffect effect(
      model.graph,
      layers,
      bit_widths(plan.activation_widths),
      [&](graph::ValueId value, BitWidth width) { return quantizers.at(width.value()).at(value); });
  runtime::ExecutorOptions options = plan.executor;
  options.precision = runtime::Precision::Float32;  // 8 bits are finer than bfloat16
  options.captured = sensitivity::activations_of(layers);
  runtime::Executor executor(model.graph, options);
  data::for_each_batch(dataset, indices, plan.batch_size, [&](const data::Batch& batch) {
    effect.add_batch(executor, batch.inputs, progress);
  });
  return effect.result();
}

}  // namespace

Measurements measure(const Model& model,
                     data::Dataset& dataset,
                     const std::vector<std::int64_t>& indices,
                     const MeasurementPlan& plan,
                     RoundedWeights& weights,
                     const ProgressHandler& progress) {
  const auto& layers = model.discovery.layers;
  Measurements result{
      .features = measure_orthogonality(model.graph,
                                        layers,
                                        dataset,
                                        indices,
                                        {.batch_size = plan.batch_size, .executor = plan.executor},
                                        progress)};
  result.importance = importance_of_leaders(result.features.matrix, layer_costs(model), plan.beta);
  if (!plan.activation_widths.empty()) {
    result.activations = measure_activations(model, dataset, indices, plan, progress);
  }
  if (plan.metrics.empty()) return result;
  weights.prepare(plan.widths, plan.executor.threads);
  sensitivity::Measurement measurement(
      model.graph, layers, measure_options(plan, result.importance), rounded(weights));
  std::optional<sensitivity::PairwiseEffect> pairwise;
  if (plan.pairs) {
    pairwise.emplace(model.graph,
                     model.discovery,
                     sensitivity::PairwiseOptions{.widths = bit_widths(plan.widths)},
                     rounded(weights));
  }
  if (measurement.needs_samples()) {
    runtime::Executor executor(model.graph, plan.executor);
    data::for_each_batch(dataset, indices, plan.batch_size, [&](const data::Batch& batch) {
      measurement.add_batch(executor, batch.inputs, progress);
      if (pairwise) pairwise->add_batch(executor, batch.inputs, progress);
    });
  }
  result.losses = measurement.result();
  if (pairwise) result.pairs = pairwise->result(result.losses.at("output-mse"));
  return result;
}

sensitivity::LossTable importance_losses(const Model& model,
                                         const orm::Importance& importance,
                                         const std::vector<int>& widths,
                                         RoundedWeights& weights) {
  sensitivity::Measurement measurement(
      model.graph,
      model.discovery.layers,
      {.metrics = {"orm-error"}, .widths = bit_widths(widths), .theta = importance.theta},
      rounded(weights));
  return measurement.result().at("orm-error");
}

orm::Importance importance_of_leaders(const orm::OrthogonalityMatrix& matrix,
                                      const std::vector<allocation::LayerCost>& layers,
                                      double beta) {
  orm::OrthogonalityMatrix leaders;
  std::vector<std::size_t> chosen;
  for (const auto& item : allocation::decision_items(layers)) chosen.push_back(item.leader);
  leaders.layers = static_cast<std::int64_t>(chosen.size());
  for (const std::size_t i : chosen) {
    for (const std::size_t j : chosen) {
      leaders.values.push_back(
          matrix.at(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)));
    }
  }
  const orm::Importance compact = orm::importance(leaders, beta);
  orm::Importance spread = orm::importance(matrix, beta);
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    spread.gamma[chosen[k]] = compact.gamma[k];
    spread.theta[chosen[k]] = compact.theta[k];
    spread.coefficients[chosen[k]] = compact.coefficients[k];
  }
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].tied_to == allocation::kUntied) continue;
    const auto leader = static_cast<std::size_t>(layers[l].tied_to);
    spread.gamma[l] = spread.gamma[leader];
    spread.theta[l] = spread.theta[leader];
    spread.coefficients[l] = spread.coefficients[leader];
  }
  return spread;
}

}  // namespace ompq::pipeline
