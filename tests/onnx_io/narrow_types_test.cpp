#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"
#include "onnx_io/same_sums.h"
#include "onnx_io/small_network.h"
#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using quant::Granularity;
using quant::Symmetry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NarrowConstant, IsNoZeroPointThatAQuantizerCanHave) {
  for (const auto& [type, bits] : {std::pair{"22", "4"}, std::pair{"25", "2"}}) {
    const onnx::ModelProto model = testing::model_with_graph(
        R"(input { name: "x" )" + testing::tensor_type("dim { dim_value: 2 }") +
            R"( } output { name: "y" type { tensor_type { elem_type: )" + type + R"( } } }
           initializer { name: "s" data_type: 1 float_data: 1 }
           initializer { name: "z" data_type: )" +
            type + R"( raw_data: "\x00" }
           node { name: "q" op_type: "QuantizeLinear" input: "x" input: "s" input: "z" output: "y" })",
        25);
    try {
      (void)import_onnx_bytes(model.SerializeAsString());
      FAIL() << "nothing was thrown";
    } catch (const ImportError& error) {
      EXPECT_THAT(
          error.what(),
          HasSubstr(std::string("QuantizeLinear node 'q' produces ") + bits + "-bit codes"));
    }
  }
}

ExportOptions small_network_at(const Graph& graph,
                               BitWidth bits,
                               Symmetry symmetry,
                               int opset = kFourBitOpset) {
  ExportOptions options{.format = WeightFormat::Qdq, .opset = opset};
  for (const auto& [name, axis] : testing::small_network_axes()) {
    options.quantized[name] =
        testing::quantized(graph, name, bits, symmetry, Granularity::along(axis));
  }
  return options;
}

/// Element types of the codes of the file's weights.
std::set<int> code_types(const std::string& bytes) {
  onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) throw std::runtime_error("the file does not parse");
  std::set<int> types;
  for (const auto& tensor : model.graph().initializer()) {
    if (tensor.name().ends_with("_codes")) types.insert(tensor.data_type());
  }
  return types;
}

constexpr int kInt8 = 3;
constexpr int kUint4 = 21;
constexpr int kInt4 = 22;
constexpr int kUint2 = 25;
constexpr int kInt2 = 26;

TEST(QdqOfOpset21, StoresFourBitsAndFewerTwoAByte) {
  const Graph graph = testing::small_network();
  const auto types = [&](int bits, Symmetry symmetry) {
    return code_types(export_onnx_bytes(graph, small_network_at(graph, BitWidth(bits), symmetry)));
  };
  EXPECT_THAT(types(3, Symmetry::Asymmetric), ElementsAre(kInt4));
  EXPECT_THAT(types(4, Symmetry::Symmetric), ElementsAre(kInt4));
  // Around any zero point but 8, some of 16 levels are out of -8..7.
  EXPECT_THAT(types(4, Symmetry::Asymmetric), ElementsAre(kUint4));
  EXPECT_THAT(types(5, Symmetry::Symmetric), ElementsAre(kInt8));
}

TEST(QdqOfOpset25, StoresTwoBitsAndFewerFourAByte) {
  const Graph graph = testing::small_network();
  const auto types = [&](int bits, Symmetry symmetry) {
    return code_types(
        export_onnx_bytes(graph, small_network_at(graph, BitWidth(bits), symmetry, kTwoBitOpset)));
  };
  EXPECT_THAT(types(1, Symmetry::Symmetric), ElementsAre(kInt2));
  EXPECT_THAT(types(2, Symmetry::Symmetric), ElementsAre(kInt2));
  EXPECT_THAT(types(2, Symmetry::Asymmetric), ElementsAre(kUint2));
  EXPECT_THAT(types(3, Symmetry::Asymmetric), ElementsAre(kInt4));
  EXPECT_THAT(types(5, Symmetry::Symmetric), ElementsAre(kInt8));
}

TEST(QdqOfOpset21, IsAboutHalfOfTheBytesOfAnEarlierOne) {
  Graph graph = testing::small_network();
  const auto wide = graph.find_value("hidden.weight");
  graph.mutable_value(wide).constant = testing::normal_tensor({20, 16}, 1);
  ExportOptions options = small_network_at(graph, BitWidth(4), Symmetry::Symmetric);
  const std::size_t halves = export_onnx_bytes(graph, options).size();
  options.opset = 20;
  const std::size_t bytes = export_onnx_bytes(graph, options).size();
  std::size_t codes = 0;
  for (const auto& [name, weight] : options.quantized) codes += weight.codes.size();
  // Zero points are halved as well; odd numbers of codes round up.
  EXPECT_LE(halves, bytes - codes / 2 + options.quantized.size());
}

TEST(Qdq, KeepsAByteACodeUnlessAnOpsetIsRequested) {
  Graph graph = testing::small_network();
  graph.opset = kTwoBitOpset;
  ExportOptions options = small_network_at(graph, BitWidth(3), Symmetry::Symmetric);
  options.opset.reset();
  EXPECT_THAT(code_types(export_onnx_bytes(graph, options)), ElementsAre(kInt8));
}

class NarrowFile : public ::testing::TestWithParam<std::tuple<int, Symmetry>> {};

TEST_P(NarrowFile, SaysInOnnxRuntimeWhatTheFloatOneSays) {
  OMPQ_JUDGE_OR_SKIP();
  const auto [bits, symmetry] = GetParam();
  const Graph graph = testing::small_network();
  ExportOptions options = small_network_at(graph, BitWidth(bits), symmetry);
  const std::map<std::string, Tensor> inputs{{"image", testing::normal_tensor({3, 3, 8, 8}, 7)}};
  const auto got = testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs);
  options.format = WeightFormat::Float;
  const auto real = testing::run_bytes_in_onnxruntime(export_onnx_bytes(graph, options), inputs);
  testing::expect_same_sums(got.at(0), real.at(0));
}

TEST_P(NarrowFile, ReadsBackTheCodesThatWereWritten) {
  const auto [bits, symmetry] = GetParam();
  const Graph graph = testing::small_network();
  const ExportOptions options =
      small_network_at(graph, BitWidth(bits), symmetry, bits > 2 ? kFourBitOpset : kTwoBitOpset);
  const Graph read = import_onnx_bytes(export_onnx_bytes(graph, options));
  for (const auto& [name, weight] : options.quantized) {
    const auto codes = read.value(read.find_value(name + "_codes")).constant->to_int64s();
    const auto zeros = read.value(read.find_value(name + "_zero")).constant->to_int64s();
    const auto scales = read.value(read.find_value(name + "_scale")).constant->to_floats();
    const Tensor expected = quant::dequantize(weight);
    const std::int64_t slices = static_cast<std::int64_t>(zeros.size());
    std::int64_t inner = 1;
    const auto axis = static_cast<std::size_t>(weight.params.granularity.axis);
    for (std::size_t d = axis + 1; d < weight.shape.size(); ++d) inner *= weight.shape[d];
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto slice = static_cast<std::size_t>(static_cast<std::int64_t>(i) / inner % slices);
      const auto steps = static_cast<float>(codes[i] - zeros[slice]);
      ASSERT_EQ(steps * scales[slice], expected.data<float>()[i]) << name << " element " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Widths,
                         NarrowFile,
                         ::testing::Combine(::testing::Values(1, 2, 3, 4, 6),
                                            ::testing::Values(Symmetry::Symmetric,
                                                              Symmetry::Asymmetric)),
                         [](const auto& row) {
                           const bool symmetric = std::get<1>(row.param) == Symmetry::Symmetric;
                           return std::to_string(std::get<0>(row.param)) +
                                  (symmetric ? "BitsSymmetric" : "Bits");
                         });

}  // namespace
}  // namespace ompq::onnx_io
