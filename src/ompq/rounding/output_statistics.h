#pragma once

#include <optional>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/graph/layers.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/input_moments.h"
#include "ompq/rounding/network_codes.h"

namespace ompq::rounding {

/// Statistics of a layer's output channels over samples and positions, computed from the moments of
/// its inputs without running it.
struct OutputStatistics {
  std::vector<double> mean;      ///< by output channel, without the bias
  std::vector<double> variance;  ///< likewise
};

/// Of the float weight on the float network's inputs.
[[nodiscard]] OutputStatistics float_statistics(const graph::Graph& graph,
                                                const graph::Layer& layer,
                                                const LayerInputs& inputs,
                                                const MomentOptions& options);

/// Of the codes on the quantized prefix's inputs.
[[nodiscard]] OutputStatistics quantized_statistics(const graph::Graph& graph,
                                                    const graph::Layer& layer,
                                                    const quant::QuantizedTensor& codes,
                                                    const LayerInputs& inputs,
                                                    const MomentOptions& options);

/// Bias correction: the bias that compensates the shift of each output channel's mean by rounding
/// of the weight and of everything before it. Nullopt for a layer without bias.
/// @param bias  the current bias.
/// Source: Nagel et al. 2019 (Data-Free Quantization), section 4.2, empirical.
[[nodiscard]] std::vector<float> corrected_bias(std::vector<float> bias,
                                                const OutputStatistics& exact,
                                                const OutputStatistics& quantized);

/// Bias correction without data: biases of the layers that read a channel-wise function (none,
/// Relu, ReLU6) of a layer whose folded batch norm gives the distribution of its output.
/// @param codes  of all weights.
/// @return by the bias's value name, without layers whose input distribution is not known.
/// Source: Nagel et al. 2019, section 4.2, analytic.
[[nodiscard]] NewBiases analytic_biases(const graph::Graph& graph,
                                        const std::vector<graph::Layer>& layers,
                                        const WeightCodes& codes);

/// Norm re-estimation: scales with which each channel has the same variance as in the float
/// network. For a folded batch norm, new statistics are equivalent to a factor on the weight's
/// scale and a shift of the bias. Scales are short (five significant bits), so small deviations
/// remain.
/// @return the number of channels with a changed scale.
/// Source: Sun et al. 2019 (Hybrid 8-bit floating point), section 3.3, re-tuning of norms.
int reestimate_scales(const OutputStatistics& exact,
                      const OutputStatistics& quantized,
                      quant::QuantizedTensor& codes);

/// E[min(max(x, 0), bound)] of a normal variable: the mean after a Relu or ReLU6 of a channel whose
/// batch norm had this shift and scale.
/// Source: Nagel et al. 2019, appendix C (clipped normal distribution).
[[nodiscard]] double clipped_normal_mean(double mean, double deviation, double bound);

}  // namespace ompq::rounding
