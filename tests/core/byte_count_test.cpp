#include "ompq/core/byte_count.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq {
namespace {

TEST(ParseByteCount, KnowsDecimalAndBinaryUnits) {
  struct Case {
    std::string_view text;
    std::int64_t bytes;
  };
  for (const auto& [text, bytes] : std::vector<Case>{{"0", 0},
                                                     {"4096", 4096},
                                                     {"4096B", 4096},
                                                     {"800kB", 800'000},
                                                     {"512 KiB", 524'288},
                                                     {"6.7MB", 6'700'000},
                                                     {"6.5MiB", 6'815'744},
                                                     {"1GB", 1'000'000'000},
                                                     {"2GiB", 2'147'483'648},
                                                     {"1e3", 1000},
                                                     {"0.9", 0}}) {
    EXPECT_EQ(parse_byte_count(text), bytes) << text;
  }
}

TEST(ParseByteCount, RefusesWhatIsNoSize) {
  for (const std::string_view text :
       {"", "MB", "-1", "-1kB", "1XB", "1 2", "nan", "inf", "1e30GB", "12,5MB", "0x10"}) {
    EXPECT_THROW(static_cast<void>(parse_byte_count(text)), ConfigError) << "'" << text << "'";
  }
}

TEST(ParseByteCount, NamesTheUnitThatItDoesNotKnow) {
  try {
    static_cast<void>(parse_byte_count("3QB"));
    FAIL() << "3QB was read";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'qb'"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("KiB"));
  }
}

TEST(FormatBytes, ShowsThreeDigitsAndABinaryUnit) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(format_bytes(15 * 1024 + 512), "15.5 KiB");
  EXPECT_EQ(format_bytes(7'025'459), "6.70 MiB");
  EXPECT_EQ(format_bytes(300LL << 20), "300 MiB");
  EXPECT_EQ(format_bytes(5LL << 40), "5120 GiB");
}

TEST(FormatBytes, IsReadBackWithinItsRounding) {
  // Three significant digits: half a unit in the third, at most 0.5 % of the value.
  for (std::int64_t bytes = 1; bytes < (std::int64_t{1} << 40); bytes = bytes * 3 + 1) {
    const double back = static_cast<double>(parse_byte_count(format_bytes(bytes)));
    EXPECT_NEAR(back, static_cast<double>(bytes), 0.005 * static_cast<double>(bytes) + 1)
        << format_bytes(bytes);
  }
}

TEST(ParseCount, KnowsThousandsToTrillions) {
  EXPECT_DOUBLE_EQ(parse_count("75G"), 75e9);
  EXPECT_DOUBLE_EQ(parse_count("1.5T"), 1.5e12);
  EXPECT_DOUBLE_EQ(parse_count("300m"), 300e6);
  EXPECT_DOUBLE_EQ(parse_count("7"), 7);
  EXPECT_THROW(static_cast<void>(parse_count("7Q")), ConfigError);
}

}  // namespace
}  // namespace ompq
