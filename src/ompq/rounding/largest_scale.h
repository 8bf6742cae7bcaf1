#pragma once

#include "ompq/graph/graph.h"
#include "ompq/quant/quant_params.h"

namespace ompq::rounding {

/// The largest scale with which the quantizer of `value` performs the Relu or Clip that produces
/// it: its levels end within the bounds. Infinite if nothing limits it.
[[nodiscard]] float largest_scale(const graph::Graph& graph,
                                  graph::ValueId value,
                                  const quant::QuantParams& params);

}  // namespace ompq::rounding
