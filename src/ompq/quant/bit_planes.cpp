#include "ompq/quant/bit_planes.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::quant {
namespace {

static_assert(std::endian::native == std::endian::little, "eight codes are read as one word");

constexpr std::uint64_t kLowBits = 0x0101010101010101U;

/// Bit 0 of byte i of `word` becomes bit i: the factor has bits 56 - 7i, which carry bit 8i to
/// 56 + i.
std::uint8_t gather_low_bits(std::uint64_t word) {
  return static_cast<std::uint8_t>(((word & kLowBits) * 0x0102040810204080U) >> 56);
}

/// Bit i of `bits` becomes bit 0 of byte i.
std::uint64_t spread_bits(std::uint8_t bits) {
  const std::uint64_t one_bit_a_byte = (bits * kLowBits) & 0x8040201008040201U;
  return ((one_bit_a_byte + 0x7f7f7f7f7f7f7f7fU) >> 7) & kLowBits;
}

std::int64_t bytes_per_plane(std::int64_t count) { return (count + 7) / 8; }

void require_codes_fit(std::span<const std::uint8_t> codes, BitWidth bits) {
  const auto largest = codes.empty() ? 0 : *std::max_element(codes.begin(), codes.end());
  if (largest >= bits.levels()) {
    throw DataError("bit planes",
                    fmt::format("code {} does not fit into {} bits; codes lie in 0..{}",
                                largest,
                                bits.value(),
                                bits.levels() - 1));
  }
}

}  // namespace

std::int64_t packed_bytes(std::int64_t count, BitWidth bits) {
  return bits.value() * bytes_per_plane(count);
}

std::vector<std::uint8_t> pack_bit_planes(std::span<const std::uint8_t> codes, BitWidth bits) {
  require_codes_fit(codes, bits);
  const auto count = static_cast<std::int64_t>(codes.size());
  const auto stride = static_cast<std::size_t>(bytes_per_plane(count));
  std::vector<std::uint8_t> planes(static_cast<std::size_t>(packed_bytes(count, bits)));
  for (std::size_t byte = 0; byte < stride; ++byte) {
    std::uint64_t word = 0;
    std::memcpy(&word, codes.data() + 8 * byte, std::min<std::size_t>(8, codes.size() - 8 * byte));
    for (int plane = 0; plane < bits.value(); ++plane) {
      planes[static_cast<std::size_t>(plane) * stride + byte] = gather_low_bits(word >> plane);
    }
  }
  return planes;
}

std::vector<std::uint8_t> unpack_bit_planes(std::span<const std::uint8_t> planes,
                                            BitWidth bits,
                                            std::int64_t count) {
  if (count < 0 || static_cast<std::int64_t>(planes.size()) != packed_bytes(count, bits)) {
    throw ShapeError("bit planes",
                     fmt::format("{} bytes cannot hold {} codes of {} bits, which need {}",
                                 planes.size(),
                                 count,
                                 bits.value(),
                                 packed_bytes(std::max<std::int64_t>(count, 0), bits)));
  }
  const auto stride = static_cast<std::size_t>(bytes_per_plane(count));
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(count));
  for (std::size_t byte = 0; byte < stride; ++byte) {
    std::uint64_t word = 0;
    for (int plane = 0; plane < bits.value(); ++plane) {
      word |= spread_bits(planes[static_cast<std::size_t>(plane) * stride + byte]) << plane;
    }
    std::memcpy(codes.data() + 8 * byte, &word, std::min<std::size_t>(8, codes.size() - 8 * byte));
  }
  return codes;
}

}  // namespace ompq::quant
