#pragma once

#include <cstdint>

#include "ompq/data/preprocess.h"

namespace ompq::examples {

inline constexpr std::int64_t kImageSide = 28;
inline constexpr std::int64_t kClasses = 10;

/// The preprocessing; mean and standard deviation are those of the training split.
[[nodiscard]] inline data::Preprocess fashion_preprocess() {
  return {.channels = "gray", .scale = 1.0 / 255.0, .mean = {0.286}, .std = {0.353}};
}

}  // namespace ompq::examples
