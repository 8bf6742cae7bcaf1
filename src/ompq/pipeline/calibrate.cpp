#include "ompq/pipeline/calibrate.h"

namespace ompq::pipeline {

QuantizedInputs quantized_inputs(const Model& model, const std::vector<std::optional<int>>& bits) {
  QuantizedInputs inputs;
  for (std::size_t l = 0; l < bits.size(); ++l) {
    if (!bits[l]) continue;
    inputs.layers.push_back(model.discovery.layers[l]);
    inputs.bits.emplace_back(*bits[l]);
  }
  return inputs;
}

rounding::ActivationQuantizers calibrate(const Model& model,
                                         const std::vector<std::optional<int>>& bits,
                                         Samples& samples,
                                         const rounding::CalibrationOptions& options,
                                         const ProgressHandler& progress,
                                         rounding::ActivationHistograms* histograms) {
  const QuantizedInputs inputs = quantized_inputs(model, bits);
  if (inputs.layers.empty()) return {};
  return rounding::calibrate_activations(model.graph,
                                         inputs.layers,
                                         inputs.bits,
                                         *samples.dataset,
                                         samples.indices,
                                         options,
                                         progress,
                                         histograms);
}

}  // namespace ompq::pipeline
