#pragma once

#include <memory>

#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// fisher: 1/2 sum over the weights of E[g^2] (W_q - W)^2, g the gradient of one sample's cross
/// entropy at a label drawn from the network's own softmax: the diagonal of the true Fisher
/// information, which needs no labels. To second order it is KL(float || quantized) in nats,
/// without correlations between weights.
///
/// If the first output is not class scores, g is the gradient of the outputs' product with a
/// standard normal vector (the Fisher information of a Gaussian likelihood), and the value is sum
/// E[g^2] (W_q - W)^2 / E|y|^2, a relative squared error as output-mse.
///
/// Cost: forward and backward pass of the float32 network, two samples at a time (whole batches for
/// a network with a fixed batch). Labels of different samples are drawn independently and the mean
/// of g is zero, so the square of the sum of gradients has the same expectation as the sum of
/// squares; single samples would take four times as long in LibTorch's convolutions.
/// Source: Theis et al. 2018; Kunstner et al. 2019 (true vs. empirical Fisher); Li et al. 2021
/// (BRECQ) for its use in quantization.
[[nodiscard]] std::unique_ptr<Meter> make_fisher(const MeterContext& context);

}  // namespace ompq::sensitivity
