#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/bit_width.h"

namespace ompq::quant {

/// A group of 1, 2 or 4 neighbouring bits of every code, so that a byte holds whole groups.
struct BitField {
  int first = 0;  ///< its lowest bit
  int bits = 0;
};

/// The fields of a code of `bits` bits, lowest first, wide ones before narrow ones: 7 is 4 + 2 + 1.
/// @pre bits < 8.
[[nodiscard]] std::vector<BitField> bit_fields(BitWidth bits);

/// Extracts a field of every code, packed in order from the lowest bit of each byte.
/// @return field.bits * ceil(N / 8) bytes: codes are padded with 0 to a multiple of eight, so that
/// all fields together take exactly bits * ceil(N / 8) bytes.
[[nodiscard]] std::vector<std::uint8_t> pack_bit_field(std::span<const std::uint8_t> codes,
                                                       const BitField& field);

}  // namespace ompq::quant
