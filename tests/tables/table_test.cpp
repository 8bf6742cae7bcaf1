#include "ompq/tables/table.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::tables {
namespace {

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

TEST(Table, ShowsTextsFromFilesOnOneLineEach) {
  Table table({{"layer\n"}, {"bits", Align::Right}});
  table.add_row({"conv\nfake  8\x1b[2J\xe2\x80\xae", "3"});
  table.add_row({std::string(100'000, 'x'), "4"});
  const std::string text = table.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_NE(text.find("conv\\nfake  8\\x1b[2J\\u202e "), std::string::npos) << text;
  EXPECT_NE(text.find("xxx...[100000 characters]...xxx"), std::string::npos) << text;
  EXPECT_LT(text.size(), 1000U);
}

TEST(Table, RefusesARowOfAnotherLength) {
  Table table({{"a"}, {"b"}});
  EXPECT_THROW(table.add_row({"1"}), InternalError);
}

}  // namespace
}  // namespace ompq::tables
