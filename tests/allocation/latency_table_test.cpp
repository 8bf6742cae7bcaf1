#include "ompq/allocation/latency_table.h"

#include <optional>

#include <gtest/gtest.h>

#include "ompq/allocation/request.h"

namespace ompq::allocation {
namespace {

TEST(LatencyEntries, AreFoundByLayerAndBothWidths) {
  const LatencyTable table{
      {{{4, 8, 1500}, {8, 8, 2500}, {4, 4, 900}}, {{kFloatBits, kFloatBits, 7000}}}};
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.nanoseconds(0, 4, 8), 1500);
  EXPECT_EQ(table.nanoseconds(0, 8, 8), 2500);
  EXPECT_EQ(table.nanoseconds(0, 4, 4), 900);
  EXPECT_EQ(table.nanoseconds(1, kFloatBits, kFloatBits), 7000);
}

TEST(LatencyEntries, AreNulloptIfTheyWereNotMeasured) {
  const LatencyTable table{{{{4, 8, 1500}}, {}}};
  EXPECT_EQ(table.nanoseconds(0, 8, 4), std::nullopt) << "the widths the other way round";
  EXPECT_EQ(table.nanoseconds(1, 4, 8), std::nullopt) << "a layer without entries";
  EXPECT_EQ(table.nanoseconds(2, 4, 8), std::nullopt) << "no such layer";
  EXPECT_TRUE(LatencyTable{}.empty());
  EXPECT_EQ(LatencyTable{}.nanoseconds(0, 4, 8), std::nullopt);
}

}  // namespace
}  // namespace ompq::allocation
