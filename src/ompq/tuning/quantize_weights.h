#pragma once

#include <map>
#include <string>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"

namespace ompq::tuning {

struct WeightOptions {
  quant::Symmetry symmetry = quant::Symmetry::Asymmetric;
  quant::RangeMethod range = quant::RangeMethod::ErrorSearch;
};

/// One layer's weight, quantized per output channel by rounding to nearest.
[[nodiscard]] quant::QuantizedTensor quantize_weight(const graph::Graph& graph,
                                                     const graph::Layer& layer,
                                                     BitWidth bits,
                                                     const WeightOptions& options = {});

/// All layers, `bits` in the order of `layers`; in the graph the weights become what the codes
/// stand for.
/// @return codes by the weight's value name.
std::map<std::string, quant::QuantizedTensor> quantize_weights(
    graph::Graph& graph,
    const std::vector<graph::Layer>& layers,
    const std::vector<BitWidth>& bits,
    const WeightOptions& options = {});

}  // namespace ompq::tuning
