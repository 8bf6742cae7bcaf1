#pragma once

#include <memory>

#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// |b - a|^2 over all rows of two views of one shape and type, float32 or bfloat16.
[[nodiscard]] double squared_distance(const MatrixView& a, const MatrixView& b);

/// local-error: relative squared error of the output of the layer's node, with the float network's
/// input: e_s = |z_q - z|^2 / mean over samples of |z|^2; the loss is the mean + standard deviation
/// of e_s over samples s, so that layers with large errors on few samples count. z is the output of
/// the Executor's node, with fused bias, activation and residual Add, so errors that the activation
/// clips do not count.
/// Source: layer-wise output error as in Nagel et al. 2020 (AdaRound), its deviation added.
[[nodiscard]] std::unique_ptr<Meter> make_local_error(const MeterContext& context);

}  // namespace ompq::sensitivity
