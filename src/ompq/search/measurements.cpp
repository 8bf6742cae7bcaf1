#include "ompq/search/measurements.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "ompq/core/elapsed.h"
#include "ompq/core/error.h"
#include "ompq/data/batches.h"
#include "ompq/graph/passes.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/rounding/calibration.h"

namespace ompq::search {
namespace {

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

/// Runs `use` for every batch that begins and, as far as can be predicted, ends before the plan's
/// deadline. A batch that does not end before it is stopped.
/// @return the number of samples in completed batches.
std::int64_t for_each_batch_in_time(data::Dataset& dataset,
                                    const std::vector<std::int64_t>& indices,
                                    const MeasurementPlan& plan,
                                    const std::function<void(const data::Batch&)>& use) {
  std::int64_t done = 0;
  const auto run = [&] {
    std::int64_t batches = 0;
    const auto began = Deadline::Clock::now();
    data::for_each_batch(dataset, indices, plan.batch_size, [&](const data::Batch& batch) {
      if (plan.deadline && batches > 0 &&
          plan.deadline->forbids(seconds_since(began) / static_cast<double>(batches))) {
        throw TimeIsUp();
      }
      use(batch);
      ++batches;
      done += batch.size;
    });
  };
  if (plan.deadline) {
    (void)finishes_before(*plan.deadline, run);
  } else {
    run();
  }
  return done;
}

/// Measures the effect of fake-quantizing single activations, with ranges calibrated on the same
/// samples. @return nullopt if no batch ended before the deadline.
std::optional<sensitivity::ActivationTable> measure_activations(
    const pipeline::Model& model,
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
  std::optional<sensitivity::ActivationTable> result;
  for_each_batch_in_time(dataset, indices, plan, [&](const data::Batch& batch) {
    effect.add_batch(executor, batch.inputs, progress);
    result = effect.result();
  });
  return result;
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
        in_time("activations", [&] {
          result_.activations =
              measure_activations(model_, judged_, dataset_, indices_, plan_, progress_);
        });
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

  /// Runs `work`; notes `part` if the deadline stops it.
  template <typename Work>
  void in_time(std::string_view part, const Work& work) {
    if (!plan_.deadline) {
      work();
    } else if (!finishes_before(*plan_.deadline, work)) {
      result_.unmeasured.emplace_back(part);
    }
  }

  void find_importance() {
    in_time("orthogonality", [&] {
      result_.features =
          measure_orthogonality(model_.graph,
                                model_.discovery.layers,
                                dataset_,
                                indices_,
                                {.batch_size = plan_.batch_size, .executor = plan_.executor},
                                progress_);
    });
    if (!result_.features) return;
    result_.importance =
        importance_of_leaders(result_.features->matrix, pipeline::layer_costs(model_), plan_.beta);
  }

  void drop_without_importance() {
    if (result_.features) return;
    const auto reason = result_.dropped.find(std::string(kOrthogonality));
    std::erase_if(plan_.metrics, [&](const std::string& metric) {
      if (!needs_importance(metric)) return false;
      if (reason == result_.dropped.end()) {
        result_.unmeasured.push_back(metric);
      } else {
        result_.dropped[metric] = reason->second;
      }
      return true;
    });
  }

  /// Metrics of the plan that need no samples, if the deadline left no time for a batch.
  void keep_sampleless_metrics() {
    std::erase_if(plan_.metrics, [&](const std::string& metric) {
      const bool needs = sensitivity::needs_samples(sensitivity::metric(metric));
      if (needs) result_.unmeasured.push_back(metric);
      return needs;
    });
    if (plan_.pairs) result_.unmeasured.emplace_back(kPairs);
    if (plan_.metrics.empty()) return;
    result_.losses = sensitivity::Measurement(judged_,
                                              model_.discovery.layers,
                                              measure_options(plan_, result_.importance),
                                              rounded(weights_))
                         .result();
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
    // Results of the last complete batch: a deadline may stop the next one.
    const auto keep = [&] {
      result_.losses = measurement.result();
      if (!pairwise) return;
      const auto base = result_.losses.find(sensitivity::PairwiseOptions{}.metric);
      if (base == result_.losses.end()) return;
      drop_if_impossible(result_, kPairs, [&] { result_.pairs = pairwise->result(base->second); });
    };
    if (measurement.needs_samples()) {
      runtime::Executor executor(judged_, plan_.executor);
      result_.samples =
          for_each_batch_in_time(dataset_, indices_, plan_, [&](const data::Batch& batch) {
            measurement.add_batch(executor, batch.inputs, progress_);
            if (pairwise) pairwise->add_batch(executor, batch.inputs, progress_);
            if (plan_.deadline) keep();
          });
      if (plan_.deadline && result_.samples == 0) {
        keep_sampleless_metrics();
        return;
      }
    }
    if (!plan_.deadline || !measurement.needs_samples()) keep();
    result_.dropped.merge(measurement.dropped());
    const std::string base = sensitivity::PairwiseOptions{}.metric;
    if (pairwise && !result_.losses.contains(base)) {
      result_.dropped.emplace(kPairs, result_.dropped.at(base));
    }
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
