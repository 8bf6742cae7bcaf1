#pragma once

#include "ompq/core/random.h"
#include "ompq/core/tensor.h"

namespace ompq::distillation {

/// How a sample is mixed with another one of its step. The target of a mixed sample is the float
/// network's output for it, so that a few samples give many different ones.
enum class Mixing {
  None,
  Blend,  ///< a weighted mean of both. Source: Zhang et al. 2018 (mixup).
  Paste,  ///< a rectangle is replaced by the other's. Source: Yun et al. 2019 (CutMix).
};

/// Mixes samples of a batch in place, each with probability `share`, the weight or the share of the
/// area uniform in [0, 1).
/// @param samples  float32 [samples, ...]. Paste: [samples, channels, extents...], where the
///                 rectangle is in the last two extents, or the last one; others are blended.
void mix_samples(Tensor& samples, Mixing mixing, double share, Random& random);

}  // namespace ompq::distillation
