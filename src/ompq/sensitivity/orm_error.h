#pragma once

#include <memory>

#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// orm-error: importance times quantization error, theta_l |W_q - W|^2 / |W|^2, taken down to its
/// lower convex envelope over the widths. The paper's program counts a layer's bits as worth
/// theta each, the eighth as much as the third; here a bit is worth what it takes off the error.
/// Without samples; theta comes from MeasureOptions.
/// @throws ConfigError without one theta >= 0 for each layer.
/// Source: theta as in Ma et al. 2023 (OMPQ); the product is ours.
[[nodiscard]] std::unique_ptr<Meter> make_orm_error(const MeterContext& context);

}  // namespace ompq::sensitivity
