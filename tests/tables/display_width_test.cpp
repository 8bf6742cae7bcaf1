#include "ompq/tables/display_width.h"

#include <gtest/gtest.h>

namespace ompq::tables {
namespace {

TEST(DisplayWidth, CountsColumnsInsteadOfBytes) {
  EXPECT_EQ(display_width("conv1"), 5U);
  EXPECT_EQ(display_width("Größe"), 5U);
  EXPECT_EQ(display_width("畳み込み"), 8U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);  // e and a combining acute accent
  EXPECT_EQ(display_width("🙂"), 2U);
  EXPECT_EQ(display_width(""), 0U);
}

TEST(DisplayWidth, CountsBrokenBytesAsOneEach) {
  EXPECT_EQ(display_width("\xFF\xC3"), 2U);
  EXPECT_EQ(display_width("\xE7\x95"), 2U);
}

TEST(CutToWidth, KeepsWhatFitsAndMarksTheCut) {
  EXPECT_EQ(cut_to_width("layer1", 6), "layer1");
  EXPECT_EQ(cut_to_width("layer1", 5), "laye…");
  EXPECT_EQ(cut_to_width("畳み込み", 6), "畳み…");
  EXPECT_EQ(cut_to_width("abc", 0), "");
}

}  // namespace
}  // namespace ompq::tables
