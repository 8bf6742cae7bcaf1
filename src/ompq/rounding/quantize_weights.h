#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/targets/target_table.h"

namespace ompq::rounding {

struct WeightOptions {
  quant::Symmetry symmetry = quant::Symmetry::Normal;
  quant::RangeMethod range = quant::RangeMethod::ErrorSearch;
  std::string target{targets::kDefaultTarget};
};

/// The symmetry of a weight of `bits` bits: quant::weight_symmetry(), and symmetric if the target's
/// kernels need it, e.g. with 8 bits, since levels between -255 and 255 would not fit int8. Normal
/// levels become asymmetric ones if the target's kernels do not support them.
[[nodiscard]] quant::Symmetry symmetry_of(const WeightOptions& options, BitWidth bits);

/// Bits of the zero point of each channel, by width; 0: none.
[[nodiscard]] std::array<int, kMaxBits + 1> zero_point_bits(const WeightOptions& options);

/// The granularity of a layer's weight: one scale per output channel and member of a stack.
[[nodiscard]] quant::Granularity granularity_of(const graph::Layer& layer);

/// One layer's weight, quantized per output channel by rounding to nearest, with short scales.
[[nodiscard]] quant::QuantizedTensor quantize_weight(const graph::Graph& graph,
                                                     const graph::Layer& layer,
                                                     BitWidth bits,
                                                     const WeightOptions& options = {});

/// Quantizes all layers, `bits` in the order of `layers`; weights in the graph are replaced by the
/// dequantized ones.
/// @return codes by the weight's value name.
std::map<std::string, quant::QuantizedTensor> quantize_weights(
    graph::Graph& graph,
    const std::vector<graph::Layer>& layers,
    const std::vector<BitWidth>& bits,
    const WeightOptions& options = {});

/// Scales of activation quantizers, by value.
using ActivationScales = std::map<graph::ValueId, float>;

/// Rounds the bias of each layer with quantized input to integer multiples of activation scale x
/// weight scale, as in an integer accumulator, by quant::short_bias.
void round_biases(graph::Graph& graph,
                  const std::vector<graph::Layer>& layers,
                  const std::map<std::string, quant::QuantizedTensor>& weights,
                  const ActivationScales& activations);

}  // namespace ompq::rounding
