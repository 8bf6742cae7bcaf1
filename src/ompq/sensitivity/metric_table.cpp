#include <memory>
#include <vector>

#include "ompq/core/error.h"
#include "ompq/sensitivity/activation_effect.h"
#include "ompq/sensitivity/fisher.h"
#include "ompq/sensitivity/hessian.h"
#include "ompq/sensitivity/local_error.h"
#include "ompq/sensitivity/meter.h"
#include "ompq/sensitivity/orm_error.h"
#include "ompq/sensitivity/output_divergence.h"
#include "ompq/sensitivity/output_loss.h"
#include "ompq/sensitivity/weight_error.h"

namespace ompq::sensitivity {

namespace {

std::unique_ptr<OutputLoss> by_relative_error(std::size_t cells, const graph::Graph&) {
  return std::make_unique<OutputLossBy<RelativeError>>(RelativeError(cells));
}

std::unique_ptr<OutputLoss> by_divergence(std::size_t cells, const graph::Graph& graph) {
  require_scores(graph);
  return std::make_unique<OutputLossBy<Divergence>>(Divergence(cells, scores::kind_of(graph)));
}

std::vector<Metric> listed_metrics() {
  return {
      {.name = "output-mse",
       .summary = "how far the network's outputs move when only this layer is quantized",
       .unit = "relative squared error",
       .passes = "1 + L x W suffixes",
       .source = "the outputs, by definition",
       .needs = Needs::Outputs,
       .make = make_output_mse,
       .output_loss = by_relative_error,
       .activation_loss = [](const ActivationTable& effects) -> const LossTable& {
         return effects.mse;
       }},
      {.name = "output-kl",
       .summary = "divergence of the class probabilities when only this layer is quantized",
       .unit = "nats a sample",
       .passes = "1 + L x W suffixes, those of output-mse",
       .source = "Cai et al. 2020 (ZeroQ)",
       .needs = Needs::Outputs,
       .make = make_output_kl,
       .output_loss = by_divergence,
       .activation_loss = [](const ActivationTable& effects) -> const LossTable& {
         return effects.kl.value();
       }},
      {.name = "local-error",
       .summary = "error of the layer's own output, mean and deviation over the samples",
       .unit = "relative squared error",
       .passes = "1 + W, none if output-mse or output-kl is measured, too",
       .source = "Nagel et al. 2020 (AdaRound), with the deviation",
       .needs = Needs::LayerOutput,
       .make = make_local_error},
      {.name = "weight-mse",
       .summary = "change of the layer's weights",
       .unit = "relative squared error",
       .passes = "none",
       .source = "the weights, by definition",
       .needs = Needs::Weights,
       .make = make_weight_mse},
      {.name = "fisher",
       .summary = "squared gradients times squared changes of the weights, no labels",
       .unit = "nats a sample, or relative squared error",
       .passes = "1 forward and backward in float32",
       .source = "Theis et al. 2018; Li et al. 2021 (BRECQ)",
       .needs = Needs::Gradients,
       .make = make_fisher},
      {.name = "hessian",
       .summary = "average Hessian trace times the squared change of the weights, no labels",
       .unit = "nats a sample, or relative squared error",
       .passes = "1 forward and 1 backward a probe, in float32",
       .source = "Dong et al. 2020 (HAWQ-V2), Yao et al. 2021 (HAWQ-V3)",
       .needs = Needs::Gradients,
       .make = make_hessian},
      {.name = "orm-error",
       .summary = "importance from the orthogonality matrix times the change of the weights",
       .unit = "relative squared error",
       .passes = "none besides the pass for features",
       .source = "Ma et al. 2023 (OMPQ) for the importance",
       .needs = Needs::Importance,
       .make = make_orm_error},
  };
}

}  // namespace

RowTable<Metric>& metric_rows() {
  static RowTable<Metric> table(listed_metrics());
  return table;
}

std::span<const Metric> metrics() { return metric_rows().rows(); }

const Metric& metric(std::string_view name) {
  return metric_rows().get(name, "sensitivity", "metric");
}

bool needs_samples(const Metric& metric) {
  return metric.needs != Needs::Weights && metric.needs != Needs::Importance;
}

}  // namespace ompq::sensitivity
