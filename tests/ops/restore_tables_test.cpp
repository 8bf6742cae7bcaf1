#include "ompq/ops/restore_tables.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/small_network.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

ValueId ids_input(Graph& graph, const std::string& name) {
  return graph.add_input(name, DataType::Int64, {graph::Dim::batch(), graph::Dim::fixed(7)});
}

/// An embedding "embed" of seven indices in a table of 512 rows.
Graph embedding() {
  Graph graph;
  const ValueId table = graph.add_constant("table", testing::normal_tensor({512, 128}, 1));
  graph.mark_output(
      graph.add_op({"embed", "Gather", "", {table, ids_input(graph, "ids")}, {}, {}}));
  return graph;
}

/// A form in which the table is written.
struct Form {
  std::string title;
  onnx_io::WeightFormat format;
  int bits;
  quant::Symmetry symmetry;
};
constexpr auto kSymmetric = quant::Symmetry::Symmetric;
constexpr auto kAsymmetric = quant::Symmetry::Asymmetric;
constexpr auto kNormal = quant::Symmetry::Normal;

quant::QuantizedTensor codes_of(const Graph& graph, const Form& form) {
  return testing::quantized(
      graph, "table", BitWidth(form.bits), form.symmetry, quant::Granularity::along(0));
}

/// The embedding as it is read from a file of this form.
Graph embedding_read(const Form& form) {
  const Graph graph = embedding();
  onnx_io::ExportOptions options{.format = form.format};
  options.quantized["table"] = codes_of(graph, form);
  Graph read = onnx_io::import_onnx_bytes(onnx_io::export_onnx_bytes(graph, options));
  read.sort();
  return read;
}

class WrittenTable : public ::testing::TestWithParam<Form> {};

TEST_P(WrittenTable, BecomesAConstantAgain) {
  Graph read = embedding_read(GetParam());
  EXPECT_GT(read.nodes().size(), 3U) << "codes, scales, and what multiplies them";
  EXPECT_EQ(restore_looked_up_tables(read), 1);
  ASSERT_EQ(read.nodes().size(), 1U);
  const Node& gather = read.nodes().front();
  EXPECT_EQ(gather.name, "embed");
  EXPECT_EQ(gather.op_type, "Gather");
  EXPECT_EQ(gather.inputs.at(1), read.inputs().at(0));
  ASSERT_TRUE(read.is_constant(gather.inputs[0]));
  EXPECT_TRUE(read.value(gather.inputs[0])
                  .constant->equals(quant::dequantize(codes_of(embedding(), GetParam()))));
  EXPECT_EQ(restore_looked_up_tables(read), 0) << "once only";
}

INSTANTIATE_TEST_SUITE_P(
    Forms,
    WrittenTable,
    ::testing::Values(Form{"Packed3Symmetric", onnx_io::WeightFormat::Packed, 3, kSymmetric},
                      Form{"Packed3Asymmetric", onnx_io::WeightFormat::Packed, 3, kAsymmetric},
                      Form{"Packed2Normal", onnx_io::WeightFormat::Packed, 2, kNormal},
                      Form{"Packed3Normal", onnx_io::WeightFormat::Packed, 3, kNormal},
                      Form{"Packed4Normal", onnx_io::WeightFormat::Packed, 4, kNormal},
                      Form{"Packed8Symmetric", onnx_io::WeightFormat::Packed, 8, kSymmetric},
                      Form{"Packed8Asymmetric", onnx_io::WeightFormat::Packed, 8, kAsymmetric},
                      Form{"Qdq3Symmetric", onnx_io::WeightFormat::Qdq, 3, kSymmetric},
                      Form{"Qdq3Asymmetric", onnx_io::WeightFormat::Qdq, 3, kAsymmetric},
                      Form{"Qdq8Symmetric", onnx_io::WeightFormat::Qdq, 8, kSymmetric}),
    [](const auto& row) { return row.param.title; });

TEST(RestoreLookedUpTables, LeavesATableThatIsDecodedWhole) {
  Graph read = embedding_read({"", onnx_io::WeightFormat::Qdq, 8, kAsymmetric});
  ASSERT_EQ(read.nodes().size(), 2U);
  EXPECT_EQ(restore_looked_up_tables(read), 0);
  EXPECT_EQ(read.nodes()[0].op_type, "DequantizeLinear");
  EXPECT_EQ(read.nodes()[1].op_type, "Gather");
}

/// Two lookups in tables of three rows, multiplied.
Graph product_of_lookups(bool same_indices, std::int64_t rows) {
  Graph graph;
  const ValueId ids = ids_input(graph, "ids");
  const ValueId others = same_indices ? ids : ids_input(graph, "others");
  const auto lookup = [&](std::int64_t count, ValueId indices) {
    const ValueId table = graph.add_constant("t", testing::normal_tensor({count, 2}, 1));
    return graph.add_op({"lookup", "Gather", "", {table, indices}, {}, {}});
  };
  const ValueId left = lookup(3, ids);
  const ValueId right = lookup(rows, others);
  graph.mark_output(graph.add_op({"mul", "Mul", "", {left, right}, {}, {}}));
  return graph;
}

TEST(RestoreLookedUpTables, NeedsTwoLookupsBySameIndicesInEqualRows) {
  Graph same = product_of_lookups(true, 3);
  EXPECT_EQ(restore_looked_up_tables(same), 1);
  Graph other_indices = product_of_lookups(false, 3);
  EXPECT_EQ(restore_looked_up_tables(other_indices), 0);
  Graph other_rows = product_of_lookups(true, 4);
  EXPECT_EQ(restore_looked_up_tables(other_rows), 0);
  EXPECT_EQ(other_rows.nodes().size(), 3U);
}

TEST(RestoreLookedUpTables, LeavesAScaledEmbeddingAlone) {
  Graph graph = embedding();
  const ValueId scale = graph.add_constant("scale", Tensor::scalar(8.0F));
  graph.mark_output(graph.add_op({"mul", "Mul", "", {graph.outputs()[0], scale}, {}, {}}));
  EXPECT_EQ(restore_looked_up_tables(graph), 0);
  EXPECT_EQ(graph.nodes().size(), 2U);
}

}  // namespace
}  // namespace ompq::ops
