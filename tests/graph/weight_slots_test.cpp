#include <gtest/gtest.h>

#include "ompq/graph/layers.h"
#include "ompq/graph/passes.h"
#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using testing::GraphBuilder;

Shape rows_of(std::int64_t features) { return {Dim::batch(), Dim::fixed(4), Dim::fixed(features)}; }

/// Words and positions, [N, 4, 16], and what goes on.
struct Embeddings {
  explicit Embeddings(const std::string& name) : b(name) {
    ids = b.graph().add_input("ids", DataType::Int64, {Dim::batch(), Dim::fixed(4)});
    table = b.normal_constant("words.table", {32, 16}, 1.0);
    words = b.op({"words", "Gather", "", {table, ids}}, rows_of(16));
  }
  GraphBuilder b;
  ValueId ids = kNoValue;
  ValueId table = kNoValue;
  ValueId words = kNoValue;
};

TEST(WeightSlots, GiveARecurrentOperatorTwoLayers) {
  GraphBuilder b("recurrent");
  const ValueId x = b.input("x", {Dim::fixed(5), Dim::batch(), Dim::fixed(6)});
  Node node{"gru",
            "GRU",
            "",
            {x,
             b.normal_constant("w", {2, 12, 6}, 1.0),
             b.normal_constant("r", {2, 12, 4}, 1.0),
             b.normal_constant("b", {2, 24}, 1.0)}};
  node.attributes["hidden_size"] = std::int64_t{4};
  node.attributes["direction"] = std::string("bidirectional");
  const ValueId y =
      b.op(std::move(node), {Dim::fixed(5), Dim::fixed(2), Dim::batch(), Dim::fixed(4)});
  const Discovery found = discover(b.finish({y}));
  ASSERT_EQ(found.layers.size(), 2U);
  EXPECT_EQ(found.layers[0].name, "gru.W");
  EXPECT_EQ(found.layers[1].name, "gru.R");
  EXPECT_EQ(found.layers[1].node_name, "gru");
  EXPECT_EQ(found.layers[1].weight_operand, 2U);
  for (const Layer& layer : found.layers) {
    EXPECT_EQ(layer.out_channels, 2 * 12);
    EXPECT_EQ(layer.stacked_axes, 1);
    EXPECT_EQ(layer.activation, kNoValue);
    EXPECT_EQ(layer.macs, 5 * layer.weight_count);
  }
  EXPECT_EQ(found.layers[0].bias_count, 48);
  EXPECT_EQ(found.layers[1].bias_count, 0);
  ASSERT_EQ(found.blocks.size(), 1U);
  EXPECT_EQ(found.blocks[0].layers, (std::vector<LayerId>{0, 1}));
}

TEST(WeightSlots, TakeAGatherFromATableOfFloatsForAnEmbedding) {
  Embeddings e("embedding");
  // Rows of an activation, few numbers, another axis.
  const ValueId few =
      e.b.op({"few", "Gather", "", {e.b.normal_constant("small", {8, 4}, 1.0), e.ids}}, rows_of(4));
  Node node{"columns", "Gather", "", {e.b.normal_constant("wide", {4, 99}, 1.0), e.ids}};
  node.attributes["axis"] = std::int64_t{1};
  const ValueId columns = e.b.op(std::move(node), {Dim::fixed(4), Dim::batch(), Dim::fixed(4)});
  const Discovery found = discover(e.b.finish({e.words, few, columns}));
  ASSERT_EQ(found.layers.size(), 1U);
  const Layer& layer = found.layers[0];
  EXPECT_EQ(layer.name, "words");
  EXPECT_EQ(layer.input, e.ids);
  EXPECT_EQ(layer.weight, e.table);
  EXPECT_EQ(layer.out_channels, 32);
  EXPECT_EQ(layer.macs, 0);
  EXPECT_TRUE(found.rejected.empty());
}

TEST(WeightSlots, DoNotTieEmbeddingsThatAreAdded) {
  Embeddings e("sum");
  const ValueId kinds =
      e.b.graph().add_input("kinds", DataType::Int64, {Dim::batch(), Dim::fixed(4)});
  const ValueId other =
      e.b.op({"kinds of", "Gather", "", {e.b.normal_constant("kinds.table", {16, 16}, 1.0), kinds}},
             rows_of(16));
  const Discovery found = discover(e.b.finish({e.b.add("sum", e.words, other)}));
  EXPECT_EQ(found.layers.size(), 2U);
  EXPECT_TRUE(found.ties.empty());
}

TEST(ShareEmbeddingTables, LetsAMatMulReadTheTableTurned) {
  Embeddings e("tied");
  std::vector<float> turned(32 * 16);
  const auto values = e.b.graph().value(e.table).constant->data<float>();
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i % 16 * 32 + i / 16] = values[i];
  const ValueId head =
      e.b.matmul("head", e.words, e.b.constant("copy", Tensor::from({16, 32}, turned)));
  Graph graph = e.b.finish({head});
  EXPECT_EQ(share_embedding_tables(graph), 1);
  EXPECT_EQ(graph.consumers(e.table).size(), 2U);
  EXPECT_TRUE(graph.consumers(graph.find_value("copy")).empty());
  const Discovery found = discover(graph);
  ASSERT_EQ(found.layers.size(), 1U);
  ASSERT_EQ(found.rejected.size(), 1U);
  EXPECT_EQ(found.rejected[0].reason,
            "its weight is the table 'words.table' of an embedding, and has that layer's bits");
  EXPECT_EQ(share_embedding_tables(graph), 0);
}

TEST(ShareEmbeddingTables, LetsAGemmReadTheTableAsALayerThatFollows) {
  for (const bool turned : {false, true}) {
    Embeddings e("tied");
    std::vector<float> copy(32 * 16);
    const auto values = e.b.graph().value(e.table).constant->data<float>();
    for (std::size_t i = 0; i < copy.size(); ++i)
      copy[turned ? i % 16 * 32 + i / 16 : i] = values[i];
    const ValueId rows = e.b.reshape("rows", e.words, {-1, 16}, {Dim::batch(), Dim::fixed(16)});
    const std::vector<std::int64_t> shape =
        turned ? std::vector<std::int64_t>{16, 32} : std::vector<std::int64_t>{32, 16};
    Node gemm{"head", "Gemm", "", {rows, e.b.constant("copy", Tensor::from(shape, copy))}};
    gemm.attributes["transB"] = std::int64_t{turned ? 0 : 1};
    Graph graph = e.b.finish({e.b.op(std::move(gemm), {Dim::batch(), Dim::fixed(32)})});
    EXPECT_EQ(share_embedding_tables(graph), 1);
    const Discovery found = discover(graph);
    ASSERT_EQ(found.layers.size(), 2U);
    EXPECT_EQ(found.layers[1].weight, e.table);
    EXPECT_EQ(found.layers[1].weight_axis, 0);
    ASSERT_EQ(found.ties.size(), 1U);
  }
}

TEST(ShareEmbeddingTables, LeavesOtherNumbersAlone) {
  Embeddings e("untied");
  Graph graph = e.b.finish({e.b.linear("head", e.words, 32, false)});
  EXPECT_EQ(share_embedding_tables(graph), 0);
  EXPECT_EQ(discover(graph).layers.size(), 2U);
}

}  // namespace
}  // namespace ompq::graph
