#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// Bits after the leading one that a short scale keeps.
inline constexpr int kShortScaleBits = 4;
/// Octaves that the scales of one tensor span: with the bits above, a scale takes one byte.
inline constexpr int kShortScaleOctaves = 16;
/// Significant bits of a bias, counted in steps of activation scale x weight scale: those of
/// float16.
inline constexpr int kShortBiasBits = 11;

enum class Snap { Nearest, Up };

/// `scale` with no more than kShortScaleBits + 1 significant bits.
///
/// Products of two quantized numbers with short scales, and sums of thousands of them, are exact in
/// float32: every runtime gets the same result in whatever order it adds, and it is the integer
/// accumulator's. With full-length scales, sums differ in the last bit from runtime to runtime, the
/// next quantizer turns some of these differences into whole steps, and networks drift apart by
/// several percent of the logit range. See docs/adr/.
/// @pre scale > 0 and finite. The change is at most a factor of 1 +- 2^-5 (Nearest) or 1 + 2^-4
/// (Up).
[[nodiscard]] float short_scale(float scale, Snap snap);

/// Every scale of `params` made short, and those that are more than kShortScaleOctaves below the
/// largest raised to the least that is not: channels that are next to nothing next to the others,
/// whose weights move by less than 2^-15 of the largest scale. Zero points stay.
void shorten_scales(QuantParams& params, Snap snap);

/// The scales of one tensor in a byte each: scale = (16 + code % 16) x 2^(code / 16) x unit.
struct ScaleCodes {
  std::vector<std::uint8_t> codes;
  float unit = 1;  ///< a power of two
};

/// Exactly `scales`; nothing where they are not short, or too far apart (see shorten_scales), or so
/// small that `unit` is no normal number.
[[nodiscard]] std::optional<ScaleCodes> encode_scales(std::span<const float> scales);

/// The whole multiple of `step` that is nearest to `bias`, of kShortBiasBits significant bits where
/// it is a large one: at most half a step off, or 2^-11 of the bias.
/// @pre step > 0; |bias| / step is finite.
[[nodiscard]] float short_bias(float bias, float step);

}  // namespace ompq::quant
