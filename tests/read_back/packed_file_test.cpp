#include <gtest/gtest.h>

#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "onnx_io/every_form.h"
#include "onnx_io/quantized_layer.h"

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

TEST(PackedFile, FoldsBackToTheBiasesAndQuantizersOfALayerToTheBit) {
  onnx_io::ExportOptions options;
  const graph::Graph graph = testing::quantized_layer(options);
  graph::Graph read = onnx_io::import_onnx_bytes(onnx_io::export_onnx_bytes(graph, options));
  ops::infer_and_fold(read);
  ASSERT_EQ(read.nodes().size(), 3U);
  for (std::size_t n = 0; n < 3; ++n) {
    const graph::Node& got = read.nodes()[n];
    const graph::Node& expected = graph.nodes()[n];
    ASSERT_EQ(got.op_type, expected.op_type);
    for (std::size_t i = 1; i < 3; ++i) {
      ASSERT_TRUE(read.is_constant(got.input(i))) << expected.name << " input " << i;
      const Tensor& tensor = *read.value(got.input(i)).constant;
      const auto id = expected.input(i);
      EXPECT_TRUE(graph.value(id).name == "w"
                      ? tensor.equals(quant::dequantize(options.quantized["w"]))
                      : tensor.equals(*graph.value(id).constant))
          << expected.name << " input " << i;
    }
  }
}

}  // namespace
}  // namespace ompq
