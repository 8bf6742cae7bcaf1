#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// Fraction bits of a short scale, after the leading one.
inline constexpr int kShortScaleBits = 4;
/// Number of octaves of the scales of one tensor: together with the fraction bits, a scale takes
/// one byte.
inline constexpr int kShortScaleOctaves = 16;
/// Significant bits of a bias as a multiple of activation scale x weight scale: those of float16.
inline constexpr int kShortBiasBits = 11;

enum class Snap { Nearest, Up };

/// `scale` rounded to kShortScaleBits + 1 significant bits.
///
/// Products of two quantized numbers with short scales, and sums of thousands of them, are exact in
/// float32: every runtime gets the same result in any order of summation, equal to that of an
/// integer accumulator. With full-length scales, sums differ in the last bit between runtimes, the
/// next quantizer turns some of these differences into different codes, and outputs differ by
/// several percent of the logit range. See docs/adr/.
/// @pre scale > 0 and finite. The change is at most a factor of 1 +- 2^-5 (Nearest) or 1 + 2^-4
/// (Up).
[[nodiscard]] float short_scale(float scale, Snap snap);

/// Makes all scales of `params` short and raises those that are more than kShortScaleOctaves below
/// the largest to the smallest allowed one; weights of these channels change by less than 2^-15 of
/// the largest scale. Zero points are not changed.
void shorten_scales(QuantParams& params, Snap snap);

/// The smallest short scale of a tensor whose largest one is `largest`.
[[nodiscard]] float smallest_scale_with(float largest);

/// The scales of one tensor, one byte each: scale = (16 + code % 16) x 2^(code / 16) x unit.
struct ScaleCodes {
  std::vector<std::uint8_t> codes;
  float unit = 1;  ///< a power of two
};

/// Encodes `scales` exactly; nullopt if they are not short, differ too much (see shorten_scales),
/// or are so small that `unit` is not a normal number.
[[nodiscard]] std::optional<ScaleCodes> encode_scales(std::span<const float> scales);

/// The integer multiple of `step` nearest to `bias`, rounded to kShortBiasBits significant bits:
/// the error is at most half a step, or 2^-11 of the bias.
/// @pre step > 0; |bias| / step is finite.
[[nodiscard]] float short_bias(float bias, float step);
/// Rounds each bias so to a multiple of the input's scale times its channel's weight scale, as in
/// an integer accumulator.
/// @param weight_scales  one per bias, or fewer, which then repeat: one for a whole tensor.
void round_biases(std::span<float> biases, float input_scale, std::span<const float> weight_scales);

}  // namespace ompq::quant
