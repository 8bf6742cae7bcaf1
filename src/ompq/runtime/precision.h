#pragma once

namespace ompq::runtime {

enum class Precision {
  Float32,
  BFloat16,  ///< bfloat16 activations and weights, float32 accumulation
  Auto,      ///< BFloat16 where the processor multiplies it natively, Float32 elsewhere
};

/// What `asked` means on this processor: Auto is bfloat16 where products of it are native.
/// @throws ConfigError for bfloat16 without AVX-512.
[[nodiscard]] Precision resolve_precision(Precision asked);

}  // namespace ompq::runtime
