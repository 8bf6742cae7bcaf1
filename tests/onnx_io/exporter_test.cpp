#include "ompq/onnx_io/exporter.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/quantized_layer.h"
#include "onnx_io/same_sums.h"
#include "onnx_io/small_network.h"
#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using ::testing::AllOf;
using ::testing::HasSubstr;

class EveryOpset : public ::testing::TestWithParam<int> {};

/// Every operator with a weight, in every format, at the opset of the test.
TEST_P(EveryOpset, GivesFilesThatSayTheSameInOnnxRuntime) {
  OMPQ_JUDGE_OR_SKIP();
  const Graph graph = testing::small_network();
  ExportOptions options;
  for (const auto& [name, axis] : testing::small_network_axes()) {
    options.quantized[name] = testing::quantized(
        graph, name, BitWidth(4), quant::Symmetry::Asymmetric, quant::Granularity::along(axis));
  }
  const std::map<std::string, Tensor> inputs{{"image", testing::normal_tensor({2, 3, 8, 8}, 7)}};
  options.format = WeightFormat::Float;
  const auto expected =
      testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs).at(0);
  options.opset = GetParam();
  for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq, WeightFormat::Float}) {
    options.format = format;
    const std::string bytes = export_onnx_bytes(graph, options);
    EXPECT_EQ(import_onnx_bytes(bytes).opset, GetParam());
    const auto got = testing::run_bytes_in_onnxruntime(bytes, inputs).at(0);
    if (format == WeightFormat::Qdq) {  // weights are no constants for the runtime's kernels
      testing::expect_same_sums(got, expected);
    } else {
      EXPECT_TRUE(got.equals(expected)) << "format " << static_cast<int>(format);
    }
  }
}

/// Short scales, packed biases and quantizers of activations.
TEST_P(EveryOpset, GivesQuantizedLayersThatSayTheSameInOnnxRuntime) {
  OMPQ_JUDGE_OR_SKIP();
  ExportOptions options;
  const Graph graph = testing::quantized_layer(options);
  const std::map<std::string, Tensor> inputs{{"x", testing::normal_tensor({2, 3, 4, 4}, 7)}};
  const auto expected =
      testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs).at(0);
  options.opset = GetParam();
  for (const auto format : {WeightFormat::Packed, WeightFormat::Qdq}) {
    options.format = format;
    const auto got =
        testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs).at(0);
    EXPECT_TRUE(got.equals(expected)) << "format " << static_cast<int>(format);
  }
}

INSTANTIATE_TEST_SUITE_P(Written,
                         EveryOpset,
                         ::testing::Range(13, kMaxWrittenOpset + 1),
                         [](const auto& row) { return std::to_string(row.param); });

std::string refusal(const Graph& graph, int opset) {
  try {
    check_opset(graph, opset);
  } catch (const ConfigError& error) {
    return error.what();
  } catch (const UnsupportedOp& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(CheckOpset, NamesTheRangeThatIsWritten) {
  const Graph graph = testing::small_network();
  EXPECT_THAT(refusal(graph, 12),
              AllOf(HasSubstr("[--opset]"),
                    HasSubstr("opset 12 is not supported"),
                    HasSubstr("give 13 to 25")));
  EXPECT_THAT(refusal(graph, 26),
              AllOf(HasSubstr("opset 26 is not supported"), HasSubstr("give 13 to 25")));
  EXPECT_EQ(refusal(graph, 13), "nothing was thrown");
  EXPECT_EQ(refusal(graph, 25), "nothing was thrown");
}

TEST(CheckOpset, CarriesNoNetworkBack) {
  Graph graph = testing::small_network();
  graph.opset = 17;
  EXPECT_THAT(refusal(graph, 16),
              AllOf(HasSubstr("the network has opset 17"), HasSubstr("give 17 to 25")));
  ExportOptions options{.opset = 16};
  EXPECT_THROW((void)export_onnx_bytes(graph, options), ConfigError);
}

TEST(CheckOpset, NamesNodesThatMeanSomethingElseThere) {
  Graph graph = testing::small_network();
  const graph::ValueId pooled = graph.add_op({"past",
                                              "AveragePool",
                                              "",
                                              {graph.inputs().at(0)},
                                              {},
                                              {{"kernel_shape", std::vector<std::int64_t>{3, 3}},
                                               {"strides", std::vector<std::int64_t>{2, 2}},
                                               {"ceil_mode", std::int64_t{1}},
                                               {"count_include_pad", std::int64_t{1}}}});
  graph.mark_output(pooled);
  EXPECT_EQ(refusal(graph, 18), "nothing was thrown");
  EXPECT_THAT(refusal(graph, 19),
              HasSubstr("AveragePool node 'past': its windows extend past the padding"));
}

TEST(ExportedFile, KeepsItsOpsetUnlessAQuantizerIsNewer) {
  Graph graph = testing::small_network();
  graph.opset = 9;
  EXPECT_EQ(import_onnx_bytes(export_onnx_bytes(graph)).opset, 9);
  const graph::ValueId scale = graph.add_constant("s", Tensor::from<float>({3}, {1, 2, 3}));
  const graph::ValueId zero = graph.add_constant("z", Tensor::from<std::uint8_t>({3}, {0, 1, 2}));
  const graph::ValueId codes = graph.add_op({"q",
                                             "QuantizeLinear",
                                             "",
                                             {graph.inputs().at(0), scale, zero},
                                             {},
                                             {{"axis", std::int64_t{1}}}});
  graph.mark_output(graph.add_op(
      {"d", "DequantizeLinear", "", {codes, scale, zero}, {}, {{"axis", std::int64_t{1}}}}));
  EXPECT_EQ(import_onnx_bytes(export_onnx_bytes(graph)).opset, 13);
}

TEST(ExportedFile, HasTheMetadataOfTheGraphAndOfTheOptions) {
  Graph graph = testing::small_network();
  graph.metadata = {{"task", "classes"}, {"kept", "1"}};
  const Graph read =
      import_onnx_bytes(export_onnx_bytes(graph, {.metadata = {{"task", "other"}, {"new", "2"}}}));
  EXPECT_EQ(read.metadata,
            (std::map<std::string, std::string>{{"kept", "1"}, {"new", "2"}, {"task", "other"}}));
}

TEST(ExportedFile, IsSmallerIfTerseAndNamesTheSameLayers) {
  const Graph graph = testing::small_network();
  const std::string plain = export_onnx_bytes(graph);
  const std::string short_names = export_onnx_bytes(graph, {.short_names = true});
  EXPECT_LT(short_names.size(), plain.size());
  const Graph read = import_onnx_bytes(short_names);
  for (const graph::Node& node : graph.nodes()) {
    EXPECT_TRUE(std::ranges::any_of(read.nodes(), [&](const graph::Node& other) {
      return other.name == node.name;
    })) << node.name;
  }
  for (const auto& [name, axis] : testing::small_network_axes()) {
    const Tensor& weight = *graph.value(graph.find_value(name)).constant;
    ASSERT_TRUE(read.is_constant(read.find_value(name))) << name;
    EXPECT_TRUE(read.value(read.find_value(name)).constant->equals(weight)) << name;
  }
}

TEST(DataFile, IsNamedAfterTheModel) {
  EXPECT_EQ(data_file("folder/net.onnx"), "folder/net.onnx.data");
}

}  // namespace
}  // namespace ompq::onnx_io
