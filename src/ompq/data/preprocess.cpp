#include "ompq/data/preprocess.h"

#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::data {
namespace {

constexpr std::int64_t kMaxSide = 1 << 14;

std::optional<std::string> bad_per_channel(std::string_view name,
                                           const std::vector<double>& values,
                                           std::size_t channels) {
  // Arrays may have more channels than images; their number is checked when they are opened.
  const bool more = channels == 3 && values.size() > channels;
  if (!values.empty() && values.size() != 1 && values.size() != channels && !more) {
    return fmt::format("{} has {} values for {} channels; give one per channel, or one for all",
                       name,
                       values.size(),
                       channels);
  }
  for (const double value : values) {
    if (!std::isfinite(value))
      return fmt::format("{} holds {}, which is not a finite number", name, value);
    if (name == "std" && value == 0) return "std holds 0; it is a divisor and must not be 0";
  }
  return std::nullopt;
}

std::optional<std::string> bad_side(std::string_view name, std::optional<PixelSize> size) {
  if (!size) return std::nullopt;
  for (const std::int64_t side : {size->height, size->width}) {
    if (side < 1 || side > kMaxSide) {
      return fmt::format("{} is {} pixels; use 1..{}", name, side, kMaxSide);
    }
  }
  return std::nullopt;
}

bool is_interpolation(const std::string& name) {
  return name == "bilinear" || name == "bicubic" || name == "lanczos" || name == "nearest";
}

}  // namespace

std::optional<std::string> fault_of(const Preprocess& preprocess) {
  const auto& channels = preprocess.channels;
  if (channels != "rgb" && channels != "bgr" && channels != "gray") {
    return fmt::format("channels is \"{}\"; use \"rgb\", \"bgr\" or \"gray\"", channels);
  }
  if (!std::isfinite(preprocess.scale) || preprocess.scale == 0) {
    return fmt::format("scale is {}; use a number other than 0, such as 1/255", preprocess.scale);
  }
  const std::size_t count = channels == "gray" ? 1 : 3;
  auto fault = bad_per_channel("mean", preprocess.mean, count);
  if (!fault) fault = bad_per_channel("std", preprocess.std, count);
  if (!fault) fault = bad_side("resize", preprocess.resize);
  if (!fault) fault = bad_side("resize", preprocess.resize_to);
  if (!fault) fault = bad_side("crop", preprocess.crop);
  if (!fault && preprocess.resize && preprocess.resize_to) {
    fault = fmt::format("resize is {} for the shorter side and {} x {} for both; give one of them",
                        *preprocess.resize,
                        preprocess.resize_to->height,
                        preprocess.resize_to->width);
  }
  if (!fault && !is_interpolation(preprocess.interpolation)) {
    fault = fmt::format(
        "interpolation is \"{}\"; use \"bilinear\", \"bicubic\", \"lanczos\" or \"nearest\"",
        preprocess.interpolation);
  }
  return fault;
}

void validate(const Preprocess& preprocess) {
  if (const auto fault = fault_of(preprocess)) throw ConfigError("preprocessing", *fault);
}

}  // namespace ompq::data
