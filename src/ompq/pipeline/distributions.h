#pragma once

#include <vector>

#include "ompq/pipeline/network.h"
#include "ompq/report/distribution.h"
#include "ompq/tuning/calibration.h"

namespace ompq::pipeline {

/// Of every layer with quantized weights, its float weight; of every layer whose input is
/// quantized, that input on the calibration samples. At most 64 bins each, in the layers' order.
/// @param histograms  as calibration saw them.
[[nodiscard]] std::vector<report::Distribution> distributions(
    const Model& model,
    const QuantizedNetwork& network,
    const tuning::ActivationQuantizers& quantizers,
    const tuning::ActivationHistograms& histograms);

}  // namespace ompq::pipeline
