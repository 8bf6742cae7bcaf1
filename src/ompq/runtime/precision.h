#pragma once

namespace ompq::runtime {

enum class Precision {
  Float32,
  BFloat16,  ///< bfloat16 activations and weights, float32 accumulation
  Auto,      ///< BFloat16 if the processor supports it natively, else Float32
};

/// The actual precision on this processor: Auto is bfloat16 if its products are native.
/// @throws ConfigError for bfloat16 without AVX-512.
[[nodiscard]] Precision resolve_precision(Precision asked);

}  // namespace ompq::runtime
