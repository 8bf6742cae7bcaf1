#include "ompq/runtime/pass_memory.h"

#include <gtest/gtest.h>

#include "ompq/core/memory_budget.h"
#include "ompq/runtime/passes.h"
#include "support/graph_builder.h"

namespace ompq::runtime {
namespace {

using graph::Dim;

/// 3 x 8 x 8 -> 4 x 8 x 8 -> 2 x 8 x 8: 768, 1024 and 512 bytes.
graph::Graph two_layers(graph::Dim batch = Dim::batch()) {
  testing::GraphBuilder b("two");
  const auto x = b.input("x", {batch, Dim::fixed(3), Dim::fixed(8), Dim::fixed(8)});
  const auto h = b.relu("r", b.conv("a", x, {.out = 4, .kernel = 3}));
  return b.finish({b.conv("b", h, {.out = 2, .kernel = 3})});
}

TEST(PassBytes, IsTwiceWhatIsAliveAtOnce) {
  EXPECT_EQ(pass_bytes(two_layers()), 2 * (768 + 1024));
  EXPECT_EQ(pass_bytes(two_layers(Dim::fixed(4))), 4 * 2 * (768 + 1024));
}

TEST(GradientPassBytes, IsTwiceAllResults) {
  EXPECT_EQ(gradient_pass_bytes(two_layers()), 2 * (1024 + 1024 + 512));
}

TEST(PassesInMemory, AreAsManyAsFitAndAtLeastOne) {
  EXPECT_EQ(passes_in_memory(two_layers(), 64), 64);
  graph::Graph huge = two_layers();
  huge.mutable_value(huge.inputs().front()).shape->back() = Dim::fixed(std::int64_t{1} << 38);
  EXPECT_EQ(passes_in_memory(huge, 64), 1) << "48 TiB for each, without a limit";
  const MemoryBudget budget(kMemoryParts * 10 * 3584, 6);
  EXPECT_EQ(passes_in_memory(two_layers(), 64), 10);
  EXPECT_EQ(passes_in_memory(two_layers(), 3), 3);
  EXPECT_EQ(samples_in_memory(two_layers(), 64), 10);
  EXPECT_EQ(samples_in_memory(two_layers(Dim::fixed(4)), 64), 8);
  EXPECT_EQ(whole_passes(two_layers(Dim::fixed(4)), 64), 64);
  const MemoryBudget none(1, 6);
  EXPECT_EQ(passes_in_memory(two_layers(), 64), 1);
}

}  // namespace
}  // namespace ompq::runtime
