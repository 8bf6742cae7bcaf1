#include "ompq/pipeline/calibrate.h"

namespace ompq::pipeline {

rounding::ActivationQuantizers calibrate(const Model& model,
                                         const std::vector<std::optional<int>>& bits,
                                         Samples& samples,
                                         const rounding::CalibrationOptions& options,
                                         const ProgressHandler& progress,
                                         rounding::ActivationHistograms* histograms) {
  std::vector<graph::Layer> quantized;
  std::vector<BitWidth> widths;
  for (std::size_t l = 0; l < bits.size(); ++l) {
    if (!bits[l]) continue;
    quantized.push_back(model.discovery.layers[l]);
    widths.emplace_back(*bits[l]);
  }
  if (quantized.empty()) return {};
  return rounding::calibrate_activations(model.graph,
                                         quantized,
                                         widths,
                                         *samples.dataset,
                                         samples.indices,
                                         options,
                                         progress,
                                         histograms);
}

}  // namespace ompq::pipeline
