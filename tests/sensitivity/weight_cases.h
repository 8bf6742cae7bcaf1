#pragma once

#include <cstddef>

#include "ompq/sensitivity/measurement.h"
#include "sensitivity/fixture.h"

namespace ompq::testing {

/// |W_q - W|^2 / |W|^2 of a layer.
inline double relative_weight_error(const Fixture& fixture, std::size_t layer, BitWidth width) {
  return relative_error({fixture.quantized(layer, width)}, {fixture.weight(layer)});
}

/// The table of the first metric of `options`, which needs no samples.
inline sensitivity::LossTable measure_weights(const Fixture& fixture,
                                              const sensitivity::MeasureOptions& options) {
  return sensitivity::Measurement(fixture.graph, fixture.layers(), options, fixture.quantizer())
      .result()
      .at(options.metrics.front());
}

}  // namespace ompq::testing
