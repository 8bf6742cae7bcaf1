#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/judged_graphs.h"
#include "support/zoo.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;

Shape image(std::int64_t channels, std::int64_t size) {
  return {Dim::batch(), Dim::fixed(channels), Dim::fixed(size), Dim::fixed(size)};
}

int count_norms(const Graph& graph) {
  int count = 0;
  for (const Node& node : graph.nodes()) count += node.is("BatchNormalization") ? 1 : 0;
  return count;
}

struct Case {
  std::string name;
  Graph (*build)();
  int folded;
};

template <typename Make>
Graph norm_after(std::int64_t channels, Make make) {
  GraphBuilder b("norm_after");
  const ValueId x = b.input("input", image(channels, 6));
  return b.finish({b.norm("norm", make(b, x))});
}

Graph conv() {
  return norm_after(
      3, [](GraphBuilder& b, ValueId x) { return b.conv("op", x, {.out = 5, .kernel = 3}); });
}
Graph conv_with_bias() {
  return norm_after(3, [](GraphBuilder& b, ValueId x) {
    return b.conv("op", x, {.out = 5, .kernel = 3, .stride = 2, .bias = true});
  });
}
Graph grouped_conv() {
  return norm_after(6, [](GraphBuilder& b, ValueId x) {
    return b.conv("op", x, {.out = 9, .kernel = 3, .groups = 3});
  });
}
Graph depthwise_conv() {
  return norm_after(6, [](GraphBuilder& b, ValueId x) {
    return b.conv("op", x, {.out = 6, .kernel = 3, .groups = 6, .dilation = 2});
  });
}
Graph conv_transpose() {
  return norm_after(4, [](GraphBuilder& b, ValueId x) {
    return b.conv_transpose("op", x, {.out = 6, .kernel = 3, .stride = 2, .bias = true});
  });
}
Graph grouped_conv_transpose() {
  return norm_after(4, [](GraphBuilder& b, ValueId x) {
    return b.conv_transpose("op",
                            x,
                            {.out = 6,
                             .kernel = 3,
                             .stride = 2,
                             .pads = {1, 1, 1, 1},
                             .groups = 2,
                             .output_padding = 1});
  });
}

/// Gemm with alpha and beta; the weight is [out, in] or [in, out].
Graph gemm(bool transposed, bool norm_first) {
  GraphBuilder b("gemm");
  ValueId x = b.input("input", {Dim::batch(), Dim::fixed(7)});
  if (norm_first) x = b.norm("norm", x);
  Node node{.name = "op", .op_type = "Gemm"};
  const std::vector<std::int64_t> weight =
      transposed ? std::vector<std::int64_t>{4, 7} : std::vector<std::int64_t>{7, 4};
  node.inputs = {
      x, b.normal_constant("op.weight", weight, 0.5), b.normal_constant("op.bias", {1, 4}, 0.5)};
  node.attributes["transB"] = std::int64_t{transposed ? 1 : 0};
  node.attributes["alpha"] = 0.5F;
  node.attributes["beta"] = 3.0F;
  ValueId y = b.op(std::move(node), {Dim::batch(), Dim::fixed(4)});
  if (!norm_first) y = b.norm("norm", y);
  return b.finish({y});
}
Graph gemm_in_out() { return gemm(false, false); }
Graph gemm_out_in() { return gemm(true, false); }
Graph norm_before_gemm() { return gemm(false, true); }
Graph norm_before_transposed_gemm() { return gemm(true, true); }

Graph norm_before_conv() {
  GraphBuilder b("norm_before_conv");
  const ValueId x = b.norm("norm", b.input("input", image(4, 6)));
  return b.finish({b.conv("op", x, {.out = 6, .kernel = 3, .pads = {0, 0, 0, 0}, .groups = 2})});
}
Graph two_norms() {
  GraphBuilder b("two_norms");
  const ValueId x = b.conv("op", b.input("input", image(3, 6)), {.out = 5, .kernel = 3});
  return b.finish({b.norm("norm2", b.norm("norm1", x))});
}
Graph one_weight_two_norms() {
  GraphBuilder b("one_weight_two_norms");
  const ValueId x = b.input("input", image(4, 6));
  const ValueId first = b.conv("op", x, {.out = 4});
  const ValueId weight = b.graph().find_value("op.weight");
  const ValueId second =
      b.op({.name = "again", .op_type = "Conv", .inputs = {x, weight}}, image(4, 6));
  return b.finish({b.norm("norm1", first), b.norm("norm2", second)});
}

const std::vector<Case>& folding_cases() {
  static const std::vector<Case> cases{{"Conv", conv, 1},
                                       {"ConvWithBias", conv_with_bias, 1},
                                       {"GroupedConv", grouped_conv, 1},
                                       {"DepthwiseConv", depthwise_conv, 1},
                                       {"ConvTranspose", conv_transpose, 1},
                                       {"GroupedConvTranspose", grouped_conv_transpose, 1},
                                       {"Gemm", gemm_in_out, 1},
                                       {"TransposedGemm", gemm_out_in, 1},
                                       {"BeforeConv", norm_before_conv, 1},
                                       {"BeforeGemm", norm_before_gemm, 1},
                                       {"BeforeTransposedGemm", norm_before_transposed_gemm, 1},
                                       {"TwoNorms", two_norms, 2},
                                       {"OneWeightTwoNorms", one_weight_two_norms, 2}};
  return cases;
}

class FoldBatchNorms : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Operators,
                         FoldBatchNorms,
                         ::testing::ValuesIn(folding_cases()),
                         [](const auto& network) { return network.param.name; });

TEST_P(FoldBatchNorms, KeepsTheNamesOfOutputs) {
  const Graph before = GetParam().build();
  Graph after = before;
  EXPECT_EQ(fold_batch_norms(after), GetParam().folded);
  EXPECT_EQ(count_norms(after), 0);
  EXPECT_EQ(after.outputs(), before.outputs());
  EXPECT_NO_THROW(after.sort());
}

std::vector<Graph> networks_with_norms() {
  const testing::zoo::Options tiny{.image_size = 32, .classes = 10, .width = 0.125};
  return {testing::zoo::resnet18(tiny), testing::zoo::mobilenet_v2(tiny)};
}

TEST(FoldBatchNorms, KeepsWhatOnnxRuntimeComputes) {
  OMPQ_JUDGE_OR_SKIP();
  std::vector<Graph> networks = networks_with_norms();
  for (const Case& one : folding_cases()) {
    networks.push_back(one.build());
    networks.back().name = one.name;
  }
  testing::JudgedGraphs judged;
  for (const Graph& before : networks) {
    const testing::Feed feed = testing::normal_feed(before, 2, 7);
    judged.add(before.name, before, feed);
    Graph after = before;
    fold_batch_norms(after);
    after.sort();
    judged.add(before.name + " folded", after, feed);
  }
  const auto outputs = judged.run();
  for (const Graph& before : networks) {
    testing::expect_same_outputs(
        outputs.at(before.name + " folded"), outputs.at(before.name), before.name);
  }
}

TEST(FoldBatchNorms, MarksTheOperator) {
  Graph graph = conv();
  fold_batch_norms(graph);
  EXPECT_EQ(graph.node(0).int_attribute(kFoldedNormAttribute, 0), 1);
}

TEST(FoldBatchNorms, CopiesAWeightThatOthersRead) {
  Graph graph = one_weight_two_norms();
  const Tensor original = *graph.value(graph.find_value("op.weight")).constant;
  fold_batch_norms(graph);
  EXPECT_TRUE(graph.value(graph.find_value("op.weight")).constant->equals(original));
  EXPECT_NE(graph.node(0).inputs[1], graph.node(1).inputs[1]);
}

TEST(FoldBatchNorms, LeavesANormWhoseInputOthersRead) {
  GraphBuilder b("read_twice");
  const ValueId x = b.conv("op", b.input("input", image(3, 6)), {.out = 5, .kernel = 3});
  Graph graph = b.finish({b.add("add", b.norm("norm", x), x)});
  EXPECT_EQ(fold_batch_norms(graph), 0);
}

TEST(FoldBatchNorms, LeavesANormWhoseInputIsAnOutput) {
  GraphBuilder b("shown");
  const ValueId x = b.conv("op", b.input("input", image(3, 6)), {.out = 5, .kernel = 3});
  Graph graph = b.finish({b.norm("norm", x), x});
  EXPECT_EQ(fold_batch_norms(graph), 0);
}

TEST(FoldBatchNorms, LeavesANormBeforePadding) {
  GraphBuilder b("padded");
  const ValueId x = b.norm("norm", b.input("input", image(4, 6)));
  Graph graph = b.finish({b.conv("op", x, {.out = 6, .kernel = 3})});
  EXPECT_EQ(fold_batch_norms(graph), 0);
}

TEST(FoldBatchNorms, LeavesANormWithANegativeVariance) {
  Graph graph = conv();
  Value& variance = graph.mutable_value(graph.find_value("norm.running_var"));
  variance.constant->mutable_data<float>()[0] = -1.0F;
  EXPECT_EQ(fold_batch_norms(graph), 0);
}

TEST(FoldBatchNorms, FoldsEveryNormOfWholeNetworks) {
  for (const Graph& before : networks_with_norms()) {
    Graph after = before;
    EXPECT_EQ(fold_batch_norms(after), count_norms(before));
    EXPECT_EQ(count_norms(after), 0);
  }
}

}  // namespace
}  // namespace ompq::graph
