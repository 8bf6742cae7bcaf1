#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/runtime/executor.h"

namespace ompq::rounding {

/// Greatest value of each output channel of a layer's operator, bias included, by the operator's
/// output. What an upper bound after it would cut.
using ChannelMaxima = std::map<graph::ValueId, std::vector<float>>;

/// Maxima over the samples at `indices`, of the layers that a bounded activation follows.
[[nodiscard]] ChannelMaxima channel_maxima(const graph::Graph& graph,
                                           const std::vector<graph::Layer>& layers,
                                           data::Dataset& dataset,
                                           const std::vector<std::int64_t>& indices,
                                           std::int64_t batch_size,
                                           const runtime::ExecutorOptions& executor,
                                           const ProgressHandler& progress = {});

struct EqualizationOptions {
  int most_sweeps = 20;         ///< over all pairs; it ends as soon as no factor moves
  double margin = 1.05;         ///< between a channel's greatest value and the bound
  double most_factor = 1000.0;  ///< of one channel, either way
};

struct EqualizationReport {
  int pairs = 0;     ///< of layers that hand channels to each other
  int channels = 0;  ///< whose factor is not 1
  int sweeps = 0;
};

/// Cross-layer equalization: divides output channel i of a layer by s_i and multiplies input
/// channel i of the one layer after it by s_i, so that channels fill the same range before and
/// after. The network's function stays the same, as what stands between is homogeneous: nothing,
/// Relu, LeakyRelu, PRelu, poolings, Flatten.
///
/// A bound from above (ReLU6) is not: a channel that reaches the bound keeps s_i = 1, any other is
/// only scaled so far that its greatest value (`maxima`) stays below the bound by the margin.
/// Without an entry in `maxima`, layers before a bound are left alone.
///
/// Weights that several layers share are left alone.
/// @param graph  folded, not fused; weights and biases change in place.
/// Source: Nagel et al. 2019 (Data-Free Quantization), section 4.1, s_i = sqrt(r_i / q_i) with
/// r and q the greatest magnitudes of channel i in the weights before and after.
EqualizationReport equalize(graph::Graph& graph,
                            const std::vector<graph::Layer>& layers,
                            const ChannelMaxima& maxima,
                            const EqualizationOptions& options = {});

}  // namespace ompq::rounding
