#include "ompq/quant/bit_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/random.h"

namespace ompq::quant {
namespace {

using ::testing::ElementsAre;

std::vector<std::uint8_t> random_codes(std::size_t count, int bits) {
  Random random(count * 10 + static_cast<std::uint64_t>(bits));
  std::vector<std::uint8_t> codes(count);
  for (auto& code : codes) code = static_cast<std::uint8_t>(random.below(1ULL << bits));
  return codes;
}

TEST(BitFields, AreTheWidthInPowersOfTwoWideOnesFirst) {
  std::vector<std::vector<std::pair<int, int>>> got;
  for (int bits = 1; bits < kMaxBits; ++bits) {
    auto& of_width = got.emplace_back();
    for (const BitField& field : bit_fields(BitWidth(bits))) {
      of_width.emplace_back(field.first, field.bits);
    }
  }
  const std::vector<std::vector<std::pair<int, int>>> expected{{{0, 1}},
                                                               {{0, 2}},
                                                               {{0, 2}, {2, 1}},
                                                               {{0, 4}},
                                                               {{0, 4}, {4, 1}},
                                                               {{0, 4}, {4, 2}},
                                                               {{0, 4}, {4, 2}, {6, 1}}};
  EXPECT_EQ(got, expected);
}

TEST(BitFields, LieFromTheLowestBitOfAByteOn) {
  // Five codes of three bits: low fields 1, 2, 3, 0, 1 and high bits 0, 0, 1, 1, 1.
  const std::vector<std::uint8_t> codes{0b001, 0b010, 0b111, 0b100, 0b101};
  EXPECT_THAT(pack_bit_field(codes, {0, 2}), ElementsAre(0b00111001, 0b00000001));
  EXPECT_THAT(pack_bit_field(codes, {2, 1}), ElementsAre(0b00011100));
}

TEST(BitFields, HoldEveryBitOfEveryCodeInExactlyItsBytes) {
  for (int bits = 1; bits < kMaxBits; ++bits) {
    for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 15U, 16U, 17U, 63U, 64U, 65U, 1001U}) {
      const auto codes = random_codes(count, bits);
      std::vector<std::uint8_t> back(count);
      std::size_t bytes = 0;
      for (const BitField& field : bit_fields(BitWidth(bits))) {
        const auto packed = pack_bit_field(codes, field);
        bytes += packed.size();
        for (std::size_t bit = 0; bit < count * static_cast<std::size_t>(field.bits); ++bit) {
          const unsigned one = packed[bit / 8] >> (bit % 8) & 1U;
          const std::size_t code = bit / static_cast<std::size_t>(field.bits);
          const auto place =
              field.first + static_cast<int>(bit % static_cast<std::size_t>(field.bits));
          back[code] |= static_cast<std::uint8_t>(one << place);
        }
      }
      EXPECT_EQ(bytes, static_cast<std::size_t>(bits) * ((count + 7) / 8));
      EXPECT_EQ(back, codes) << bits << " bits, " << count << " codes";
    }
  }
}

}  // namespace
}  // namespace ompq::quant
