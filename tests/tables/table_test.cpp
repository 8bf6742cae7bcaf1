#include "ompq/tables/table.h"

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

TEST(Table, RefusesARowOfAnotherLength) {
  Table table({{"a"}, {"b"}});
  EXPECT_THROW(table.add_row({"1"}), InternalError);
}

}  // namespace
}  // namespace ompq::tables
