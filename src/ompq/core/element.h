#pragma once

#include <bit>
#include <cstdint>

namespace ompq {

/// Storage type of the memory that an element-wise pass reads and writes; its arithmetic is
/// float32.
enum class Element { Float32, BFloat16 };

/// The bits of a bfloat16.
using NarrowElement = std::uint16_t;

// Inlined into loops that are compiled once per vector width.
[[gnu::always_inline]] inline float load_element(const float* from) { return *from; }
[[gnu::always_inline]] inline float load_element(const NarrowElement* from) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(*from) << 16);
}
[[gnu::always_inline]] inline void store_element(float* to, float value) { *to = value; }
/// Rounds half to even.
[[gnu::always_inline]] inline void store_element(NarrowElement* to, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  *to = static_cast<NarrowElement>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace ompq
