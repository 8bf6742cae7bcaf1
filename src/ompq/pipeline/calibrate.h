#pragma once

#include <optional>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/rounding/calibration.h"

namespace ompq::pipeline {

/// The layers whose inputs are quantized, with their widths.
struct QuantizedInputs {
  std::vector<graph::Layer> layers;
  std::vector<BitWidth> bits;
};

/// @param bits  one per layer; nullopt: float.
[[nodiscard]] QuantizedInputs quantized_inputs(const Model& model,
                                               const std::vector<std::optional<int>>& bits);

/// Quantizers of the layers' inputs.
/// @param bits  one per layer; nullopt: float.
/// @param histograms  if not null, receives the histogram of each input.
[[nodiscard]] rounding::ActivationQuantizers calibrate(
    const Model& model,
    const std::vector<std::optional<int>>& bits,
    Samples& samples,
    const rounding::CalibrationOptions& options,
    const ProgressHandler& progress,
    rounding::ActivationHistograms* histograms = nullptr);

}  // namespace ompq::pipeline
