#include "ompq/core/hex.h"

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq {
namespace {

TEST(Hex, ComesBackAsItWas) {
  std::string bytes;
  for (int b = 0; b < 256; ++b) bytes += static_cast<char>(b);
  EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
  EXPECT_EQ(to_hex(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(from_hex(""), "");
}

TEST(Hex, RefusesWhatIsNoByte) {
  EXPECT_THROW((void)from_hex("abc"), DataError);
  EXPECT_THROW((void)from_hex("0g"), DataError);
}

}  // namespace
}  // namespace ompq
