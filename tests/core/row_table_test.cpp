#include "ompq/core/row_table.h"

#include <string>

#include <gtest/gtest.h>

namespace ompq {
namespace {

struct NamedRow {
  std::string_view name;
  int value = 0;
};

TEST(RowTable, FindsRowsByNameAndByCondition) {
  const RowTable<NamedRow> table({{"one", 1}, {"two", 2}});
  ASSERT_NE(table.find("two"), nullptr);
  EXPECT_EQ(table.find("two")->value, 2);
  EXPECT_EQ(table.find("three"), nullptr);
  EXPECT_EQ(table.find_if([](const NamedRow& row) { return row.value == 1; }), table.rows().data());
}

TEST(RowTable, RefusesAnUnknownNameWithTheNearestAndAllNames) {
  const RowTable<NamedRow> table({{"cosine", 1}, {"step", 2}});
  EXPECT_EQ(&table.get("step", "training", "schedule"), table.find("step"));
  const auto refusal = [&](std::string_view name) -> std::string {
    try {
      (void)table.get(name, "training", "schedule");
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal("cosin"),
            "[training] unknown schedule 'cosin'; did you mean 'cosine'? Known are cosine, step");
  EXPECT_EQ(refusal("linear"), "[training] unknown schedule 'linear'; known are cosine, step");
}

TEST(RowTable, KeepsRowsInPlaceWhileOthersComeAndGo) {
  RowTable<NamedRow> table({{"one", 1}});
  const NamedRow* one = table.find("one");
  {
    const ScopedRow<NamedRow> two(table, {"two", 2});
    const ScopedRow<NamedRow> three(table, {"three", 3});
    EXPECT_EQ(table.find("one"), one);
    EXPECT_EQ(table.find("two"), &two.row());
    EXPECT_EQ(table.rows().size(), 3U);
  }
  EXPECT_EQ(table.rows().size(), 1U);
  EXPECT_EQ(table.find("two"), nullptr);
}

TEST(RowTable, RefusesMoreRowsThanItKeepsInPlace) {
  RowTable<NamedRow> table({{"one", 1}});
  for (int i = 0; i < 8; ++i) (void)table.push({"more", i});
  EXPECT_THROW((void)table.push({"too many", 8}), InternalError);
}

}  // namespace
}  // namespace ompq
