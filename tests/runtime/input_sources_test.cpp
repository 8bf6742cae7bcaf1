#include "ompq/runtime/input_sources.h"

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "support/graph_builder.h"

namespace ompq::runtime {
namespace {

TEST(MessageWithSources, NamesTheInputsThatTheNodeDependsOn) {
  testing::GraphBuilder builder("net");
  const graph::Shape row{graph::Dim::batch(), graph::Dim::fixed(4)};
  const auto ids = builder.input("ids", row);
  const auto mask = builder.input("mask", row);
  const auto other = builder.input("other", row);
  const auto joined = builder.add("join", builder.relu("first", ids), mask);
  const auto weighted =
      builder.binary("Mul", "weigh", joined, builder.normal_constant("w", {4}, 1));
  const graph::Graph graph = builder.finish({weighted, builder.relu("aside", other)});
  const DataError error("Gather", "index 9 is outside of the table");
  EXPECT_EQ(message_with_sources(graph, testing::node_named(graph, "first"), error),
            "index 9 is outside of the table; it depends on the network's input 'ids'");
  EXPECT_EQ(message_with_sources(graph, testing::node_named(graph, "weigh"), error),
            "index 9 is outside of the table; it depends on the network's input 'mask', 'ids'");
}

}  // namespace
}  // namespace ompq::runtime
