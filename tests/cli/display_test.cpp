#include <gtest/gtest.h>

#include "display_width.h"
#include "ompq/core/error.h"
#include "table.h"

namespace ompq::app {
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

TEST(Table, AlignsColumnsByWidth) {
  Table table({{"layer"}, {"bits", Align::Right}, {"note"}});
  table.add_row({"畳み", "8", "first"});
  table.add_row({"conv10", "3", ""});
  table.add_rule();
  table.add_row({"all", "11", "sum"});
  EXPECT_EQ(table.text(),
            "layer   bits  note\n"
            "-------------------\n"
            "畳み       8  first\n"
            "conv10     3\n"
            "-------------------\n"
            "all       11  sum\n");
}

TEST(Table, RefusesARowOfAnotherLength) {
  Table table({{"a"}, {"b"}});
  EXPECT_THROW(table.add_row({"1"}), InternalError);
}

}  // namespace
}  // namespace ompq::app
