#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/bit_width.h"

namespace ompq::quant {

/// Codes as bit-planes: plane p holds bit p of every code, eight codes a byte, code 8i+j in bit j
/// of byte i.
/// @return bits * ceil(N / 8) bytes, plane after plane; padding bits are 0.
[[nodiscard]] std::vector<std::uint8_t> pack_bit_planes(std::span<const std::uint8_t> codes,
                                                        BitWidth bits);
/// The first `count` codes of what pack_bit_planes made. @throws ShapeError if the bytes do not
/// fit.
[[nodiscard]] std::vector<std::uint8_t> unpack_bit_planes(std::span<const std::uint8_t> planes,
                                                          BitWidth bits,
                                                          std::int64_t count);
/// bits * ceil(count / 8).
[[nodiscard]] std::int64_t packed_bytes(std::int64_t count, BitWidth bits);

}  // namespace ompq::quant
