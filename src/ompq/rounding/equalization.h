#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/runtime/executor.h"

namespace ompq::rounding {

/// Maximum of each output channel of a layer's operator, including the bias, by the operator's
/// output; an upper bound after it would clip above it.
using ChannelMaxima = std::map<graph::ValueId, std::vector<float>>;

/// Maxima over the samples at `indices`, for layers followed by a bounded activation.
[[nodiscard]] ChannelMaxima channel_maxima(const graph::Graph& graph,
                                           const std::vector<graph::Layer>& layers,
                                           data::Dataset& dataset,
                                           const std::vector<std::int64_t>& indices,
                                           std::int64_t batch_size,
                                           const runtime::ExecutorOptions& executor,
                                           const ProgressHandler& progress = {});

struct EqualizationOptions {
  int max_sweeps = 20;         ///< maximum sweeps over all pairs; ends when no factor changes
  double margin = 1.05;        ///< between a channel's maximum and the bound
  double max_factor = 1000.0;  ///< limit for one channel, in both directions
};

struct EqualizationReport {
  int pairs = 0;     ///< pairs of equalized layers
  int channels = 0;  ///< whose factor is not 1
  int sweeps = 0;
};

/// Cross-layer equalization: divides output channel i of a layer by s_i and multiplies input
/// channel i of the only layer after it by s_i, so that channels have the same range before and
/// after. The network's function does not change, since only homogeneous operators are in between:
/// none, Relu, LeakyRelu, PRelu, poolings, Flatten.
///
/// An upper bound (ReLU6) is not homogeneous: a channel that reaches the bound keeps s_i = 1, any
/// other is only scaled so far that its maximum (`maxima`) stays below the bound by the margin.
/// Without an entry in `maxima`, layers before a bound are not changed.
///
/// Weights shared by several layers are not changed.
/// @param graph  folded, not fused; weights and biases change in place.
/// Source: Nagel et al. 2019 (Data-Free Quantization), section 4.1, s_i = sqrt(r_i / q_i) with r
/// and q the maximum magnitudes of channel i in the weights before and after.
EqualizationReport equalize(graph::Graph& graph,
                            const std::vector<graph::Layer>& layers,
                            const ChannelMaxima& maxima,
                            const EqualizationOptions& options = {});

}  // namespace ompq::rounding
