#include "ompq/graph/interface.h"

#include <vector>

#include <gtest/gtest.h>

namespace ompq::graph {
namespace {

TEST(DeclaredDim, IsOpenWithoutAPositiveSize) {
  EXPECT_TRUE(DeclaredDim{}.is_open());
  EXPECT_TRUE((DeclaredDim{.name = "batch"}).is_open());
  EXPECT_TRUE((DeclaredDim{.size = 0}).is_open()) << "as some exporters write it";
  EXPECT_TRUE((DeclaredDim{.size = -1}).is_open());
  EXPECT_FALSE((DeclaredDim{.size = 1, .name = "batch"}).is_open());
}

TEST(FindDeclaration, ReturnsTheOneOfThatNameOrNull) {
  const std::vector<Declaration> declarations{{.name = "image", .type = DataType::Float16},
                                              {.name = "length", .type = DataType::Int64}};
  EXPECT_EQ(find_declaration(declarations, "image"), &declarations[0]);
  EXPECT_EQ(find_declaration(declarations, "length"), &declarations[1]);
  EXPECT_EQ(find_declaration(declarations, "len"), nullptr);
  EXPECT_EQ(find_declaration({}, "image"), nullptr);
}

}  // namespace
}  // namespace ompq::graph
