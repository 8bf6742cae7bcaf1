#pragma once

#include <memory>

#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// |b - a|^2 over all rows of two views of one shape and type, float32 or bfloat16.
[[nodiscard]] double squared_distance(const MatrixView& a, const MatrixView& b);

/// local-error: relative squared error of what the layer's node makes, on the float network's input
/// to it: e_s = |z_q - z|^2 / mean over samples of |z|^2, and of that mean + standard deviation
/// over the samples s, so that a layer that hurts few samples much is not hidden by the others.
/// z is what the Executor's node makes: with bias, activation and residual Add where they are fused
/// after the layer, so what the activation cuts off counts for nothing.
/// Source: layer-wise output error as in Nagel et al. 2020 (AdaRound), its deviation added.
[[nodiscard]] std::unique_ptr<Meter> make_local_error(const MeterContext& context);

}  // namespace ompq::sensitivity
