#pragma once

#include "ompq/data/preprocess.h"

namespace ompq::data {

[[nodiscard]] inline std::optional<PixelSize> square(std::int64_t side) { return PixelSize(side); }

/// What takes the place of a preprocessing file's fields.
template <typename Binder>
void bind_options(Binder& binder, Preprocess& preprocess) {
  binder.bind("channels", preprocess.channels);
  binder.bind("scale", preprocess.scale);
  binder.bind("mean", preprocess.mean);
  binder.bind("std", preprocess.std);
  binder.bind("resize", preprocess.resize);
  binder.bind("crop", preprocess.crop, square);
  binder.bind("interpolation", preprocess.interpolation);
}

}  // namespace ompq::data
