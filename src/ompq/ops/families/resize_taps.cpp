#include "ompq/ops/families/resize_taps.h"

#include <algorithm>
#include <cmath>

namespace ompq::ops {
namespace {

using Coordinates = ResizeRule::Coordinates;
using Nearest = ResizeRule::Nearest;

/// Keys' cubic kernel.
float cubic(float x, float a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

float triangle(float x) { return std::max(0.0F, 1 - std::abs(x)); }

std::int64_t nearest_of(Nearest rule, float x, bool shrinks) {
  switch (rule) {
    case Nearest::RoundPreferFloor:
      return static_cast<std::int64_t>(std::ceil(x - 0.5F));
    case Nearest::RoundPreferCeil:
      return static_cast<std::int64_t>(std::floor(x + 0.5F));
    case Nearest::Floor:
      return static_cast<std::int64_t>(std::floor(x));
    case Nearest::Ceil:
      return static_cast<std::int64_t>(std::ceil(x));
    case Nearest::Simple:
      break;
  }
  return static_cast<std::int64_t>(shrinks ? std::ceil(x) : std::floor(x));
}

}  // namespace

float source_coordinate(const ResizeRule& rule, const ResizeAxis& axis, std::int64_t i) {
  const auto at = static_cast<float>(i);
  const auto in = static_cast<float>(axis.input);
  const auto out = static_cast<float>(axis.output);
  // An axis with scale 1 is not changed in any convention.
  if (axis.scale == 1.0F && axis.input == axis.output && axis.is_whole()) return at;
  switch (rule.coordinates) {
    case Coordinates::HalfPixel:
      return (at + 0.5F) / axis.scale - 0.5F;
    case Coordinates::HalfPixelSymmetric: {
      const float adjustment = out / (axis.scale * in);
      const float offset = in / 2 * (1 - adjustment);
      return offset + (at + 0.5F) / axis.scale - 0.5F;
    }
    case Coordinates::PytorchHalfPixel:
      return axis.output > 1 ? (at + 0.5F) / axis.scale - 0.5F : 0.0F;
    case Coordinates::AlignCorners:
      return axis.output == 1 ? 0.0F : at * (in - 1) / (out - 1);
    case Coordinates::Asymmetric:
      return at / axis.scale;
    case Coordinates::TfHalfPixelForNn:
      return (at + 0.5F) / axis.scale;
    case Coordinates::TfCropAndResize:
      if (axis.output == 1) return 0.5F * (axis.crop_start + axis.crop_end) * (in - 1);
      return axis.crop_start * (in - 1) +
             at * (axis.crop_end - axis.crop_start) * (in - 1) / (out - 1);
  }
  return at;
}

std::vector<std::int64_t> outside_elements(const ResizeRule& rule, const ResizeAxis& axis) {
  std::vector<std::int64_t> outside;
  if (rule.coordinates != Coordinates::TfCropAndResize) return outside;
  for (std::int64_t i = 0; i < axis.output; ++i) {
    const float x = source_coordinate(rule, axis, i);
    if (x < 0 || x > static_cast<float>(axis.input - 1)) outside.push_back(i);
  }
  return outside;
}

std::vector<std::int64_t> nearest_sources(const ResizeRule& rule, const ResizeAxis& axis) {
  std::vector<std::int64_t> sources;
  for (std::int64_t i = 0; i < axis.output; ++i) {
    const std::int64_t source =
        nearest_of(rule.nearest, source_coordinate(rule, axis, i), axis.scale < 1);
    sources.push_back(std::clamp<std::int64_t>(source, 0, axis.input - 1));
  }
  return sources;
}

std::vector<float> interpolation_weights(const ResizeRule& rule, const ResizeAxis& axis) {
  const bool linear = rule.mode == ResizeRule::Mode::Linear;
  const bool exclude = rule.exclude_outside && !linear;
  // Antialiasing widens the kernel where the axis shrinks.
  const float stretch = rule.antialias ? std::max(1.0F, 1 / axis.scale) : 1.0F;
  const float support = (linear ? 1.0F : 2.0F) * stretch;
  std::vector<float> weights(static_cast<std::size_t>(axis.output * axis.input), 0.0F);
  for (std::int64_t i = 0; i < axis.output; ++i) {
    float x = source_coordinate(rule, axis, i);
    if (linear && !rule.antialias) x = std::clamp(x, 0.0F, static_cast<float>(axis.input - 1));
    float* row = weights.data() + i * axis.input;
    float sum = 0;
    const auto first = static_cast<std::int64_t>(std::ceil(x - support));
    const auto last = static_cast<std::int64_t>(std::floor(x + support));
    for (std::int64_t j = first; j <= last; ++j) {
      const float distance = (static_cast<float>(j) - x) / stretch;
      const float weight = linear ? triangle(distance) : cubic(distance, rule.cubic_a);
      if (exclude && (j < 0 || j >= axis.input)) continue;
      row[std::clamp<std::int64_t>(j, 0, axis.input - 1)] += weight;
      sum += weight;
    }
    for (std::int64_t j = 0; j < axis.input && sum != 0; ++j) row[j] /= sum;
  }
  return weights;
}

}  // namespace ompq::ops
