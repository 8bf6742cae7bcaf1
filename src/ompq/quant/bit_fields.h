#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/bit_width.h"

namespace ompq::quant {

/// A group of neighbouring bits of every code: 1, 2 or 4 of them, so that a byte holds whole
/// groups.
struct BitField {
  int first = 0;  ///< its lowest bit
  int bits = 0;
};

/// Codes of `bits` bits as fields, lowest first, the wide ones before the narrow ones: 7 is 4 + 2
/// + 1.
/// @pre bits below 8; codes of 8 bits are bytes already.
[[nodiscard]] std::vector<BitField> bit_fields(BitWidth bits);

/// That field of every code, code after code, from a byte's lowest bit on.
/// @return field.bits * ceil(N / 8) bytes: codes are padded with 0 to a multiple of eight, so that
/// all fields together take exactly bits * ceil(N / 8) bytes.
[[nodiscard]] std::vector<std::uint8_t> pack_bit_field(std::span<const std::uint8_t> codes,
                                                       const BitField& field);

}  // namespace ompq::quant
