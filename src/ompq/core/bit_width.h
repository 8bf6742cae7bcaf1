#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "ompq/core/error.h"

namespace ompq {

inline constexpr int kMinBits = 1;
inline constexpr int kMaxBits = 8;

/// Bit-width of a quantized value, kMinBits..kMaxBits.
class BitWidth {
 public:
  /// @throws ConfigError if `bits` is outside kMinBits..kMaxBits.
  explicit BitWidth(int bits) : bits_(static_cast<std::int8_t>(bits)) {
    if (bits < kMinBits || bits > kMaxBits) {
      throw ConfigError("bit-width",
                        "a width of " + std::to_string(bits) + " bits is outside " +
                            std::to_string(kMinBits) + ".." + std::to_string(kMaxBits));
    }
  }
  [[nodiscard]] int value() const { return bits_; }
  /// Number of distinct levels, 2^bits.
  [[nodiscard]] int levels() const { return 1 << bits_; }
  auto operator<=>(const BitWidth&) const = default;

 private:
  std::int8_t bits_;
};

}  // namespace ompq
