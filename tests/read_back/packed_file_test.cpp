#include <gtest/gtest.h>

#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "onnx_io/every_form.h"

namespace ompq {
namespace {

TEST(PackedFile, FoldsBackToTheDequantizedWeightsToTheBit) {
  onnx_io::ExportOptions options;
  const graph::Graph graph = testing::every_form(options);
  graph::Graph read = onnx_io::import_onnx_bytes(onnx_io::export_onnx_bytes(graph, options));
  ops::infer_and_fold(read);
  ASSERT_EQ(read.outputs().size(), options.quantized.size());
  for (std::size_t w = 0; w < read.outputs().size(); ++w) {
    const auto& weight = options.quantized.at("w" + std::to_string(w));
    ASSERT_TRUE(read.is_constant(read.outputs()[w])) << "weight " << w;
    const Tensor& got = *read.value(read.outputs()[w]).constant;
    const Tensor expected = quant::dequantize(weight);
    ASSERT_EQ(got.shape(), expected.shape()) << "weight " << w;
    for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
      ASSERT_EQ(got.data<float>()[i], expected.data<float>()[i])
          << "element " << i << " of weight " << w << ", " << weight.params.bits.value()
          << " bits, shape " << shape_text(weight.shape);
    }
  }
}

TEST(PackedFile, FoldsBackToTheNetworkThatWasPacked) {
  graph::Graph graph = testing::small_network();
  onnx_io::ExportOptions options;
  for (const auto& [name, axis] : testing::small_network_axes()) {
    options.quantized[name] = testing::quantized(
        graph, name, BitWidth(4), quant::Symmetry::Asymmetric, quant::Granularity::along(axis));
  }
  graph::Graph read = onnx_io::import_onnx_bytes(onnx_io::export_onnx_bytes(graph, options));
  ops::infer_and_fold(read);
  ASSERT_EQ(read.nodes().size(), graph.nodes().size());
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    EXPECT_EQ(read.nodes()[i].name, graph.nodes()[i].name);
    EXPECT_EQ(read.nodes()[i].op_type, graph.nodes()[i].op_type);
  }
}

}  // namespace
}  // namespace ompq
