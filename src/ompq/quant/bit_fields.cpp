#include "ompq/quant/bit_fields.h"

namespace ompq::quant {

std::vector<BitField> bit_fields(BitWidth bits) {
  std::vector<BitField> fields;
  int first = 0;
  for (const int size : {4, 2, 1}) {
    if ((bits.value() & size) == 0) continue;
    fields.push_back({first, size});
    first += size;
  }
  return fields;
}

std::vector<std::uint8_t> pack_bit_field(std::span<const std::uint8_t> codes,
                                         const BitField& field) {
  const auto bits = static_cast<std::size_t>(field.bits);
  const std::size_t per_byte = 8 / bits;
  const unsigned mask = (1U << bits) - 1U;
  std::vector<std::uint8_t> bytes(bits * ((codes.size() + 7) / 8));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const unsigned value = (codes[i] >> field.first) & mask;
    bytes[i / per_byte] |= static_cast<std::uint8_t>(value << (i % per_byte * bits));
  }
  return bytes;
}

}  // namespace ompq::quant
