#include <gtest/gtest.h>

#include "graph/fuse_cases.h"
#include "ompq/graph/passes.h"
#include "runtime/run_helpers.h"
#include "support/judge.h"
#include "support/judged_graphs.h"

namespace ompq {
namespace {

TEST(FusedNetworks, ComputeWhatOnnxRuntimeComputesWithoutFusion) {
  OMPQ_JUDGE_OR_SKIP();
  const std::vector<testing::FuseCase> cases = testing::fuse_cases();
  testing::JudgedGraphs judged;
  for (const testing::FuseCase& one : cases) {
    judged.add(one.name, one.graph, testing::normal_feed(one.graph, 2, 11));
  }
  const auto expected = judged.run();
  for (const testing::FuseCase& one : cases) {
    graph::Graph fused = one.graph;
    EXPECT_GT(graph::fuse(fused), 0) << one.name;
    const testing::Feed feed = testing::normal_feed(one.graph, 2, 11);
    const auto got = testing::run_executor(one.graph, {feed.at("input")}, {.fuse = true});
    testing::expect_same_outputs(got, expected.at(one.name), one.name);
  }
}

}  // namespace
}  // namespace ompq
