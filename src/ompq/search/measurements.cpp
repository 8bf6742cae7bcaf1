#include "ompq/search/measurements.h"

#include <algorithm>
#include <optional>

#include "ompq/core/error.h"
#include "ompq/data/batches.h"
#include "ompq/graph/passes.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/rounding/calibration.h"

namespace ompq::search {
namespace {

/// The largest width for which the network is run. The effects of larger widths are small and are
/// scaled from the error of the layer's own output, within a factor of two (docs/metrics.md).
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

/// Runs `work`; if that is impossible with this network or these samples, `name` is dropped and the
/// error recorded as the reason.
template <typename Work>
void drop_if_impossible(Measurements& result, std::string_view name, const Work& work) {
  const auto drop = [&](const Error& error) { result.dropped[std::string(name)] = error.reason(); };
  try {
    work();
  } catch (const DataError& error) {
    drop(error);
  } catch (const ShapeError& error) {
    drop(error);
  }
}

/// Measures the effect of fake-quantizing single activations, with ranges calibrated on the same
/// samples.
sensitivity::ActivationTable measure_activations(const pipeline::Model& model,
                                                 const graph::Graph& judged,
                                                 data::Dataset& dataset,
                                                 const std::vector<std::int64_t>& indices,
                                                 const MeasurementPlan& plan,
                                                 const ProgressHandler& progress) {
  const auto& layers = model.discovery.layers;
  std::map<int, rounding::ActivationQuantizers> quantizers;
  for (const int width : plan.activation_widths) {
    const std::vector<BitWidth> widths(layers.size(), BitWidth(width));
    quantizers[width] =
        rounding::calibrate_activations(model.graph,
                                        layers,
                                        widths,
                                        dataset,
                                        indices,
                                        {.batch_size = plan.batch_size, .target = plan.target},
                                        progress);
  }
  sensitivity::ActivationEffect effect(
      judged,
      layers,
      bit_widths(plan.activation_widths),
      [&](graph::ValueId value, BitWidth width) { return quantizers.at(width.value()).at(value); });
  runtime::ExecutorOptions options = plan.executor;
  options.precision = runtime::Precision::Float32;  // bfloat16 is coarser than 8-bit quantization
  options.captured = sensitivity::activations_of(layers);
  runtime::Executor executor(judged, options);
  data::for_each_batch(dataset, indices, plan.batch_size, [&](const data::Batch& batch) {
    effect.add_batch(executor, batch.inputs, progress);
  });
  return effect.result();
}

/// Measures in the order of dependencies.
class MeasurementRun {
 public:
  MeasurementRun(const pipeline::Model& model,
                 data::Dataset& dataset,
                 const std::vector<std::int64_t>& indices,
                 const MeasurementPlan& plan,
                 RoundedWeights& weights,
                 const ProgressHandler& progress)
      : model_(model),
        judged_(graph::with_float_outputs(model.graph)),
        dataset_(dataset),
        indices_(indices),
        plan_(plan),
        weights_(weights),
        progress_(progress) {}

  Measurements run() {
    if (plan_.orthogonality || names_importance()) {
      drop_if_impossible(result_, kOrthogonality, [&] { find_importance(); });
    }
    if (!plan_.activation_widths.empty()) {
      drop_if_impossible(result_, "activations", [&] {
        result_.activations =
            measure_activations(model_, judged_, dataset_, indices_, plan_, progress_);
      });
    }
    drop_without_importance();
    if (!plan_.metrics.empty()) find_losses();
    return std::move(result_);
  }

 private:
  static bool needs_importance(const std::string& metric) {
    return sensitivity::metric(metric).needs == sensitivity::Needs::Importance;
  }
  [[nodiscard]] bool names_importance() const {
    return std::ranges::any_of(plan_.metrics, needs_importance);
  }

  void find_importance() {
    result_.features =
        measure_orthogonality(model_.graph,
                              model_.discovery.layers,
                              dataset_,
                              indices_,
                              {.batch_size = plan_.batch_size, .executor = plan_.executor},
                              progress_);
    result_.importance =
        importance_of_leaders(result_.features->matrix, pipeline::layer_costs(model_), plan_.beta);
  }

  void drop_without_importance() {
    if (result_.features) return;
    std::erase_if(plan_.metrics, [&](const std::string& metric) {
      if (!needs_importance(metric)) return false;
      result_.dropped[metric] = result_.dropped.at(std::string(kOrthogonality));
      return true;
    });
  }

  void find_losses() {
    weights_.prepare(plan_.widths, plan_.executor.threads);
    sensitivity::Measurement measurement(judged_,
                                         model_.discovery.layers,
                                         measure_options(plan_, result_.importance),
                                         rounded(weights_));
    std::optional<sensitivity::PairwiseEffect> pairwise;
    if (plan_.pairs) {
      pairwise.emplace(judged_,
                       model_.discovery,
                       sensitivity::PairwiseOptions{.widths = bit_widths(plan_.widths)},
                       rounded(weights_));
    }
    if (measurement.needs_samples()) {
      runtime::Executor executor(judged_, plan_.executor);
      data::for_each_batch(dataset_, indices_, plan_.batch_size, [&](const data::Batch& batch) {
        measurement.add_batch(executor, batch.inputs, progress_);
        if (pairwise) pairwise->add_batch(executor, batch.inputs, progress_);
      });
    }
    result_.losses = measurement.result();
    result_.dropped.merge(measurement.dropped());
    if (!pairwise) return;
    const std::string base = sensitivity::PairwiseOptions{}.metric;
    if (!result_.losses.contains(base)) {
      result_.dropped.emplace(kPairs, result_.dropped.at(base));
      return;
    }
    drop_if_impossible(
        result_, kPairs, [&] { result_.pairs = pairwise->result(result_.losses.at(base)); });
  }

  const pipeline::Model& model_;
  graph::Graph judged_;
  data::Dataset& dataset_;
  const std::vector<std::int64_t>& indices_;
  MeasurementPlan plan_;
  RoundedWeights& weights_;
  const ProgressHandler& progress_;
  Measurements result_;
};

}  // namespace

Measurements measure(const pipeline::Model& model,
                     data::Dataset& dataset,
                     const std::vector<std::int64_t>& indices,
                     const MeasurementPlan& plan,
                     RoundedWeights& weights,
                     const ProgressHandler& progress) {
  return MeasurementRun(model, dataset, indices, plan, weights, progress).run();
}

sensitivity::LossTable importance_losses(const pipeline::Model& model,
                                         const std::string& metric,
                                         const orm::Importance& importance,
                                         const std::vector<int>& widths,
                                         RoundedWeights& weights) {
  sensitivity::Measurement measurement(
      model.graph,
      model.discovery.layers,
      {.metrics = {metric}, .widths = bit_widths(widths), .theta = importance.theta},
      rounded(weights));
  return measurement.result().at(metric);
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

}  // namespace ompq::search
