#include "ompq/onnx_io/lower_quantized.h"

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Decoded constants; tests/ops/lowered_test.cpp compares results with ONNX Runtime.

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;
using ::testing::ElementsAre;

/// x holds codes; the node "n" reads them.
struct Coding {
  Graph graph;
  ValueId x = graph.add_input("x", DataType::UInt8, graph::fixed_shape({1, 2}));
  ValueId scale = number(0.5F);
  ValueId zero = graph.add_constant("zero", Tensor::scalar(std::uint8_t{128}));

  ValueId number(float value) { return graph.add_constant("number", Tensor::scalar(value)); }
  template <typename T>
  ValueId constant(std::vector<std::int64_t> shape, const std::vector<T>& values) {
    return graph.add_constant("constant", Tensor::from(std::move(shape), values));
  }
  void lower(const std::string& type,
             std::vector<ValueId> inputs,
             std::map<std::string, graph::Attribute> attributes = {}) {
    const std::string domain =
        type == "QLinearConv" || type == "QLinearMatMul" ? "" : "com.microsoft";
    y = graph.add_op({"n", type, domain, std::move(inputs), {}, std::move(attributes)});
    graph.mark_output(y);
    lower_quantized(graph, graph.producer(y));
    graph.sort();
    for (const Node& node : graph.nodes()) types.push_back(node.op_type);
  }
  [[nodiscard]] const Node& product() const {
    for (const Node& node : graph.nodes()) {
      if (node.name == "n") return node;
    }
    throw std::logic_error("the node's name is lost");
  }
  [[nodiscard]] std::vector<float> operand(std::size_t place) const {
    return graph.value(product().inputs.at(place)).constant.value().to_floats();
  }

  ValueId y = kNoValue;
  std::vector<std::string> types;  ///< operators in order, after lower()
};

TEST(LowerQuantized, DecodesWeightAndBiasOfAConvolution) {
  Coding net;
  const ValueId w = net.constant<std::int8_t>({2, 2, 1, 1}, {10, -4, 6, 2});
  const ValueId scales = net.constant<float>({2}, {0.5F, 0.25F});
  const ValueId zeros = net.constant<std::int8_t>({2}, {0, 2});
  const ValueId bias = net.constant<std::int32_t>({2}, {6, -8});
  const ValueId y_scale = net.number(2);
  net.lower("QLinearConv",
            {net.x, net.scale, net.zero, w, scales, zeros, y_scale, net.zero, bias},
            {{"group", std::int64_t{1}}});
  EXPECT_THAT(net.types, ElementsAre("DequantizeLinear", "Conv", "QuantizeLinear"));
  EXPECT_THAT(net.operand(1), ElementsAre(5, -2, 1, 0));
  // Steps of input scale times weight scale.
  EXPECT_THAT(net.operand(2), ElementsAre(1.5F, -1));
  const Node& decode = net.graph.nodes().front();
  EXPECT_THAT(decode.inputs, ElementsAre(net.x, net.scale, net.zero));
  EXPECT_EQ(net.product().inputs[0], decode.outputs[0]);
  EXPECT_TRUE(net.product().has_attribute("group"));
  const Node& encode = net.graph.nodes().back();
  EXPECT_THAT(encode.inputs, ElementsAre(net.product().outputs[0], y_scale, net.zero));
  EXPECT_THAT(encode.outputs, ElementsAre(net.y));
}

TEST(LowerQuantized, DecodesColumnsOfAMatrix) {
  Coding net;
  const ValueId w = net.constant<std::int8_t>({2, 2}, {1, 2, 3, 4});
  const ValueId scales = net.constant<float>({2}, {1, 10});
  const ValueId zeros = net.constant<std::int8_t>({2}, {0, 1});
  net.lower("QLinearMatMul", {net.x, net.scale, net.zero, w, scales, zeros, net.scale, net.zero});
  EXPECT_THAT(net.types, ElementsAre("DequantizeLinear", "MatMul", "QuantizeLinear"));
  EXPECT_THAT(net.operand(1), ElementsAre(1, 10, 3, 30));
}

TEST(LowerQuantized, DecodesRowsOfATurnedMatrixAndKeepsAFloatResult) {
  Coding net;
  const ValueId w = net.constant<std::int8_t>({2, 2}, {1, 2, 3, 4});
  const ValueId scales = net.constant<float>({2}, {1, 10});
  const ValueId bias = net.constant<std::int32_t>({2}, {2, 4});
  net.lower("QGemm",
            {net.x, net.scale, net.zero, w, scales, kNoValue, bias},
            {{"transB", std::int64_t{1}}});
  EXPECT_THAT(net.types, ElementsAre("DequantizeLinear", "Gemm"));
  EXPECT_THAT(net.operand(1), ElementsAre(1, 2, 30, 40));
  EXPECT_THAT(net.operand(2), ElementsAre(1, 20));
  EXPECT_THAT(net.product().outputs, ElementsAre(net.y));
}

TEST(LowerQuantized, DecodesEveryPartOfAConcat) {
  Coding net;
  const ValueId c = net.constant<std::uint8_t>({1, 2}, {130, 126});
  net.lower("QLinearConcat",
            {net.scale, net.zero, net.x, net.scale, net.zero, c, net.scale, net.zero},
            {{"axis", std::int64_t{1}}});
  EXPECT_THAT(net.types, ElementsAre("DequantizeLinear", "Concat", "QuantizeLinear"));
  EXPECT_THAT(net.operand(1), ElementsAre(1, -1));
}

TEST(LowerQuantized, DropsTheAttributesThatTheFloatOperatorDoesNotHave) {
  Coding net;
  net.lower(
      "QLinearSoftmax",
      {net.x, net.scale, net.zero, net.scale, net.zero},
      {{"axis", std::int64_t{1}}, {"opset", std::int64_t{13}}, {"channels_last", std::int64_t{0}}});
  EXPECT_THAT(net.types, ElementsAre("DequantizeLinear", "Softmax", "QuantizeLinear"));
  EXPECT_EQ(net.product().attributes.size(), 1U);
  EXPECT_EQ(net.product().int_attribute("axis", 0), 1);
}

TEST(LowerQuantized, LeavesAConvolutionThatItCannotDecode) {
  Coding computed;
  computed.lower("QLinearConv",
                 {computed.x,
                  computed.scale,
                  computed.zero,
                  computed.x,
                  computed.scale,
                  computed.zero,
                  computed.scale,
                  computed.zero});
  EXPECT_THAT(computed.types, ElementsAre("QLinearConv"));
  Coding misfit;
  const ValueId w = misfit.constant<std::int8_t>({2, 1, 1, 1}, {1, 2});
  const ValueId three = misfit.constant<float>({3}, {1, 2, 3});
  misfit.lower(
      "QLinearConv",
      {misfit.x, misfit.scale, misfit.zero, w, three, kNoValue, misfit.scale, misfit.zero});
  EXPECT_THAT(misfit.types, ElementsAre("QLinearConv"));
}

TEST(IsQuantizedOperator, KnowsOperatorsByDomain) {
  const auto is = [](const std::string& type, const std::string& domain, std::int64_t last = 0) {
    return is_quantized_operator(
        {.name = "n", .op_type = type, .domain = domain, .attributes = {{"channels_last", last}}});
  };
  for (const char* type : {"QLinearConv", "QLinearMatMul"}) {
    EXPECT_TRUE(is(type, "")) << type;
    EXPECT_FALSE(is(type, "com.microsoft")) << type;
  }
  for (const char* type : {"QGemm", "QLinearConcat", "QLinearAdd", "QLinearLeakyRelu"}) {
    EXPECT_TRUE(is(type, "com.microsoft")) << type;
    EXPECT_FALSE(is(type, "")) << type;
  }
  EXPECT_FALSE(is("QLinearAveragePool", "com.microsoft", 1)) << "channels last";
  EXPECT_FALSE(is("Conv", "") || is("ConvInteger", "") || is("QAttention", "com.microsoft"));
}

}  // namespace
}  // namespace ompq::onnx_io
