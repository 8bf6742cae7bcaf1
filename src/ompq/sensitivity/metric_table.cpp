#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"
#include "ompq/sensitivity/fisher.h"
#include "ompq/sensitivity/hessian.h"
#include "ompq/sensitivity/local_error.h"
#include "ompq/sensitivity/meter.h"
#include "ompq/sensitivity/orm_error.h"
#include "ompq/sensitivity/output_divergence.h"
#include "ompq/sensitivity/weight_error.h"

namespace ompq::sensitivity {

std::span<const Metric> metrics() {
  static constexpr std::array kMetrics{
      Metric{"output-mse",
             "how far the network's outputs move when the layer alone is quantized",
             "relative squared error",
             "1 + L x W suffixes",
             "the outputs, by definition",
             Needs::Outputs,
             make_output_mse},
      Metric{"output-kl",
             "divergence of the class probabilities when the layer alone is quantized",
             "nats a sample",
             "1 + L x W suffixes, those of output-mse",
             "Cai et al. 2020 (ZeroQ)",
             Needs::Outputs,
             make_output_kl},
      Metric{"local-error",
             "error of the layer's own output, mean and deviation over the samples",
             "relative squared error",
             "1 + W, none if output-mse or output-kl is measured, too",
             "Nagel et al. 2020 (AdaRound), with the deviation",
             Needs::LayerOutput,
             make_local_error},
      Metric{"weight-mse",
             "change of the layer's weights",
             "relative squared error",
             "none",
             "the weights, by definition",
             Needs::Weights,
             make_weight_mse},
      Metric{"orm-error",
             "importance from the orthogonality matrix times the change of the weights",
             "relative squared error",
             "none besides the pass for features",
             "Ma et al. 2023 (OMPQ) for the importance",
             Needs::Importance,
             make_orm_error},
      Metric{"fisher",
             "squared gradients times squared changes of the weights, no labels",
             "nats a sample, or relative squared error",
             "1 forward and backward in float32",
             "Theis et al. 2018; Li et al. 2021 (BRECQ)",
             Needs::Gradients,
             make_fisher},
      Metric{"hessian",
             "average Hessian trace times the squared change of the weights, no labels",
             "nats a sample, or relative squared error",
             "1 forward and 1 backward a probe, in float32",
             "Dong et al. 2020 (HAWQ-V2), Yao et al. 2021 (HAWQ-V3)",
             Needs::Gradients,
             make_hessian},
  };
  return kMetrics;
}

const Metric& metric(std::string_view name) {
  const auto rows = metrics();
  const auto found = std::ranges::find(rows, name, &Metric::name);
  if (found != rows.end()) return *found;
  std::vector<std::string_view> names;
  for (const Metric& row : rows) names.push_back(row.name);
  const std::string_view near = meant_name(name, names);
  throw ConfigError("sensitivity",
                    fmt::format("metric '{}' is unknown{}; there are {}",
                                name,
                                near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near),
                                fmt::join(names, ", ")));
}

bool needs_samples(const Metric& metric) {
  return metric.needs != Needs::Weights && metric.needs != Needs::Importance;
}

}  // namespace ompq::sensitivity
