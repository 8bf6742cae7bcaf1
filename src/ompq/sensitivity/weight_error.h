#pragma once

#include <memory>

#include "ompq/sensitivity/meter.h"

namespace ompq::sensitivity {

/// Relative squared weight change of every layer and width: |W_q - W|^2 / |W|^2.
[[nodiscard]] LossTable relative_change(const MeterContext& context);

/// weight-mse: relative_change, without any sample.
[[nodiscard]] std::unique_ptr<Meter> make_weight_mse(const MeterContext& context);

}  // namespace ompq::sensitivity
