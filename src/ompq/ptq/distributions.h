#pragma once

#include <vector>

#include "ompq/pipeline/network.h"
#include "ompq/report/histogram.h"
#include "ompq/rounding/calibration.h"

namespace ompq::ptq {

/// Histograms of the float weight of every layer with quantized weights, and of the input of every
/// layer with quantized input on the calibration samples. At most 64 bins each, in layer order.
/// @param histograms  from calibration.
[[nodiscard]] std::vector<report::Histogram> distributions(
    const pipeline::Model& model,
    const pipeline::QuantizedNetwork& network,
    const rounding::ActivationQuantizers& quantizers,
    const rounding::ActivationHistograms& histograms);

}  // namespace ompq::ptq
