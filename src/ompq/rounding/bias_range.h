#pragma once

#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/rounding/network_codes.h"
#include "ompq/rounding/quantize_weights.h"

namespace ompq::rounding {

/// Integer kernels add a bias as an int32 multiple of activation scale x weight scale. A channel
/// with tiny weights, as dead channels have, may need more steps than that; it gets the smallest
/// short scale with which its bias has at most 2^30 steps. Its weights are rounded again, which
/// changes a product by less than 2^-22 of the bias.
/// @param graph  with the biases to be written. @return the number of changed channels.
int raise_scales_for_biases(const graph::Graph& graph,
                            const std::vector<graph::Layer>& layers,
                            const ActivationScales& activations,
                            WeightCodes& weights);

}  // namespace ompq::rounding
