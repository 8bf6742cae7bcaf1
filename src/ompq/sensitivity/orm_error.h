#pragma once

#include <memory>

#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// orm-error: importance times quantization error, theta_l |W_q - W|^2 / |W|^2, replaced by its
/// lower convex envelope over the widths. The paper's program values every bit of a layer at theta,
/// the eighth as much as the third; here the value of a bit is the reduction of the error. Needs no
/// samples; theta is from MeasureOptions.
/// @throws ConfigError without one theta >= 0 for each layer.
/// Source: theta as in Ma et al. 2023 (OMPQ); the product is ours.
[[nodiscard]] std::unique_ptr<Meter> make_orm_error(const MeterContext& context);

}  // namespace ompq::sensitivity
