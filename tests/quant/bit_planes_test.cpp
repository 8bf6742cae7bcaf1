#include "ompq/quant/bit_planes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::uint8_t> random_codes(std::int64_t count, int bits) {
  Random random(static_cast<std::uint64_t>(count * 10 + bits));
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(count));
  for (auto& code : codes) code = static_cast<std::uint8_t>(random.below(1ULL << bits));
  return codes;
}

TEST(BitPlanes, PlanePHoldsBitPOfEveryCode) {
  // Ten codes of two bits: low bits 1010101010 and high bits 0011001100, in the order of codes.
  const std::vector<std::uint8_t> codes{1, 0, 3, 2, 1, 0, 3, 2, 1, 0};
  EXPECT_THAT(pack_bit_planes(codes, BitWidth(2)), ElementsAre(0b01010101, 0b01, 0b11001100, 0b00));
}

TEST(BitPlanes, MatchTheDefinitionBitByBit) {
  for (int bits = 1; bits <= kMaxBits; ++bits) {
    const auto codes = random_codes(29, bits);
    const auto planes = pack_bit_planes(codes, BitWidth(bits));
    for (std::size_t n = 0; n < 32; ++n) {
      for (int p = 0; p < bits; ++p) {
        const int expected = n < codes.size() ? codes[n] >> p & 1 : 0;
        const int got = planes[static_cast<std::size_t>(p) * 4 + n / 8] >> (n % 8) & 1;
        ASSERT_EQ(got, expected) << "bits " << bits << " plane " << p << " code " << n;
      }
    }
  }
}

TEST(BitPlanes, UnpackGivesBackWhatWasPacked) {
  for (int bits = 1; bits <= kMaxBits; ++bits) {
    for (const std::int64_t count : {0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1001}) {
      const auto codes = random_codes(count, bits);
      const auto planes = pack_bit_planes(codes, BitWidth(bits));
      EXPECT_EQ(static_cast<std::int64_t>(planes.size()), bits * ((count + 7) / 8));
      EXPECT_EQ(packed_bytes(count, BitWidth(bits)), bits * ((count + 7) / 8));
      EXPECT_EQ(unpack_bit_planes(planes, BitWidth(bits), count), codes)
          << bits << " bits, " << count << " codes";
    }
  }
}

TEST(BitPlanes, RefuseACodeThatIsTooLarge) {
  const std::vector<std::uint8_t> codes{0, 3, 4};
  try {
    (void)pack_bit_planes(codes, BitWidth(2));
    FAIL() << "code 4 was packed into 2 bits";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("code 4 does not fit into 2 bits"));
  }
}

TEST(BitPlanes, RefuseBytesOfAnotherLength) {
  const std::vector<std::uint8_t> planes(6);
  EXPECT_NO_THROW((void)unpack_bit_planes(planes, BitWidth(3), 16));
  EXPECT_THROW((void)unpack_bit_planes(planes, BitWidth(3), 17), ShapeError);
  EXPECT_THROW((void)unpack_bit_planes(planes, BitWidth(2), 16), ShapeError);
  EXPECT_THROW((void)unpack_bit_planes({}, BitWidth(2), -1), ShapeError);
}

}  // namespace
}  // namespace ompq::quant
