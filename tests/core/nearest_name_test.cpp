#include "ompq/core/nearest_name.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace ompq {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "conv"), 4U);
  EXPECT_EQ(edit_distance("conv1", "conv1"), 0U);
  EXPECT_EQ(edit_distance("conv1", "convl"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("sitting", "kitten"), 3U);
}

TEST(NearestName, IsTheOneWithTheFewestChangesAndTheFirstOfEquals) {
  const std::vector<std::string> names{"stem", "block.conv1", "block.conv2", "fc"};
  EXPECT_EQ(nearest_name("block.conv2", names), "block.conv2");
  EXPECT_EQ(nearest_name("blok.conv1", names), "block.conv1");
  EXPECT_EQ(nearest_name("block.conv", names), "block.conv1");
  const std::vector<std::string_view> views{"stem", "fc"};
  EXPECT_EQ(nearest_name("f", views), "fc");
  EXPECT_EQ(nearest_name("x", std::vector<std::string>{}), "");
}

}  // namespace
}  // namespace ompq
