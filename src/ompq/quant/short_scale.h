#pragma once

#include "ompq/quant/quant_params.h"

namespace ompq::quant {

/// Bits behind the leading one that a short scale keeps.
inline constexpr int kShortScaleBits = 4;

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

/// Every scale of `params` made short; zero points stay.
void shorten_scales(QuantParams& params, Snap snap);

}  // namespace ompq::quant
