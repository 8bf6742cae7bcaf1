#include "ompq/distillation/mixing.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "ompq/data/augmentation.h"

namespace ompq::distillation {
namespace {

/// Planes of one sample: [planes, height, width].
struct Planes {
  std::int64_t height = 1;
  std::int64_t width = 1;
};

std::int64_t below(std::int64_t bound, Random& random) {
  return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound)));
}

/// A rectangle with the share `area` of a plane, as far as whole elements allow, and its
/// proportions.
data::Window draw_window(const Planes& planes, double area, Random& random) {
  const double side = planes.height > 1 ? std::sqrt(area) : area;
  data::Window window;
  window.height = planes.height > 1 ? std::llround(side * static_cast<double>(planes.height)) : 1;
  window.width = std::llround(side * static_cast<double>(planes.width));
  window.top = below(planes.height - window.height + 1, random);
  window.left = below(planes.width - window.width + 1, random);
  return window;
}

void paste(std::span<float> sample,
           std::span<const float> other,
           const Planes& planes,
           const data::Window& window) {
  const auto plane = static_cast<std::size_t>(planes.height * planes.width);
  for (std::size_t start = 0; start + plane <= sample.size(); start += plane) {
    for (std::int64_t y = window.top; y < window.top + window.height; ++y) {
      const std::size_t at = start + static_cast<std::size_t>(y * planes.width + window.left);
      std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(at),
                  window.width,
                  sample.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
}

void blend(std::span<float> sample, std::span<const float> other, double weight) {
  const auto own = static_cast<float>(1.0 - weight);
  const auto foreign = static_cast<float>(weight);
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = own * sample[i] + foreign * other[i];
}

}  // namespace

void mix_samples(Tensor& samples, Mixing mixing, double share, Random& random) {
  const std::vector<std::int64_t>& shape = samples.shape();
  const std::int64_t count = shape.empty() ? 0 : shape.front();
  if (mixing == Mixing::None || count < 2) return;
  Planes planes;
  if (shape.size() >= 3) planes.width = shape.back();
  if (shape.size() >= 4) planes.height = shape[shape.size() - 2];
  const bool pastes = mixing == Mixing::Paste && planes.height * planes.width > 1;
  const Tensor unmixed = samples;
  const std::span<const float> from = unmixed.data<float>();
  const std::span<float> to = samples.mutable_data<float>();
  const std::size_t size = from.size() / static_cast<std::size_t>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    const bool mixed = random.uniform() < share;
    const std::int64_t other = (i + 1 + below(count - 1, random)) % count;
    const double weight = random.uniform();
    if (!mixed) continue;
    const std::span<float> sample = to.subspan(static_cast<std::size_t>(i) * size, size);
    const std::span<const float> source =
        from.subspan(static_cast<std::size_t>(other) * size, size);
    if (pastes) {
      paste(sample, source, planes, draw_window(planes, weight, random));
    } else {
      blend(sample, source, weight);
    }
  }
}

}  // namespace ompq::distillation
