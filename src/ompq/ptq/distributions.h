#pragma once

#include <vector>

#include "ompq/pipeline/network.h"
#include "ompq/report/histogram.h"
#include "ompq/rounding/calibration.h"

namespace ompq::ptq {

/// Of every layer with quantized weights, its float weight; of every layer whose input is
/// quantized, that input on the calibration samples. At most 64 bins each, in the layers' order.
/// @param histograms  as calibration saw them.
[[nodiscard]] std::vector<report::Histogram> distributions(
    const pipeline::Model& model,
    const pipeline::QuantizedNetwork& network,
    const rounding::ActivationQuantizers& quantizers,
    const rounding::ActivationHistograms& histograms);

}  // namespace ompq::ptq
