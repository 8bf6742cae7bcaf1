#include <cmath>

#include <gtest/gtest.h>

#include "ompq/graph/passes.h"
#include "runtime/run_helpers.h"
#include "support/graph_builder.h"

namespace ompq {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Node;
using graph::Shape;
using graph::ValueId;
using runtime::Executor;
using runtime::ExecutorOptions;
using runtime::Precision;
using testing::ConvOptions;
using testing::GraphBuilder;

// Two float32 sums of the same K products in different order differ by at most K x 2^-24 times the
// sum of magnitudes; K <= 2304 here, and order-one networks keep that far below this.
constexpr double kKernelBound = 1e-5;
// Rounding both operands to 8 bits leaves each product off by 2^-9 x sqrt(2 / 3) of itself on
// average, and their sum, the errors being independent, by that share of its own deviation: 0.0016.
// Five deviations, over results that an activation may keep as small as 0.5, and the result's own
// rounding: 5 x 0.0016 / 0.5 + 2^-9 = 0.018.
constexpr double kBfloatBound = 0.018;

Shape images(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return {Dim::batch(), Dim::fixed(channels), Dim::fixed(height), Dim::fixed(width)};
}

/// Runs `graph` fused and unfused, for two batch sizes, and holds both to LibTorch's plain kernels.
void expect_as_plain(const Graph& graph, double bound = kKernelBound) {
  for (const std::int64_t batch : {1, 5}) {
    SCOPED_TRACE("batch " + std::to_string(batch));
    const auto inputs = testing::normal_inputs(graph, batch);
    const auto expected = testing::run_plain(graph, inputs);
    const auto fused = testing::run_executor(graph, inputs);
    const auto unfused = testing::run_executor(graph, inputs, {.fuse = false});
    ASSERT_EQ(fused.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(testing::near(fused[i], expected[i], bound)) << "fused, output " << i;
      EXPECT_TRUE(testing::near(unfused[i], expected[i], bound)) << "unfused, output " << i;
    }
    if (!runtime::has_native_bfloat16()) continue;
    const auto narrow = testing::run_executor(graph, inputs, {.precision = Precision::BFloat16});
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(testing::near(narrow[i], expected[i], kBfloatBound)) << "bfloat16, output " << i;
    }
  }
}

/// The kernel that the first node of the type runs on.
std::string kernel_of(const Graph& graph, std::string_view op_type) {
  Executor executor(graph, {.profile = true});
  (void)executor.run(testing::normal_inputs(graph, 2));
  for (const runtime::NodeTime& row : executor.profile()) {
    if (row.op_type == op_type) return row.kernel;
  }
  return "no such node";
}

struct ConvCase {
  const char* name;
  std::int64_t in;
  ConvOptions options;
};

class Convolution : public ::testing::TestWithParam<ConvCase> {};

TEST_P(Convolution, EqualsThePlainKernel) {
  GraphBuilder builder("convolution");
  const ValueId x = builder.input("x", images(GetParam().in, 13, 11));
  expect_as_plain(builder.finish({builder.conv("conv", x, GetParam().options)}));
}

TEST_P(Convolution, AddsAResidualAndAppliesAnActivationInOneNode) {
  GraphBuilder builder("residual block");
  const ValueId x = builder.input("x", images(GetParam().in, 13, 11));
  const ValueId first = builder.conv("first", x, GetParam().options);
  const ValueId second =
      builder.conv("second", first, {.out = GetParam().options.out, .bias = true});
  const Graph graph = builder.finish({builder.relu("relu", builder.add("add", second, first))});
  expect_as_plain(graph);
  Graph fused = graph;
  graph::fuse(fused);
  EXPECT_EQ(fused.nodes().size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Geometries,
    Convolution,
    ::testing::Values(
        ConvCase{"pointwise", 16, {.out = 24, .kernel = 1}},
        ConvCase{"square", 16, {.out = 24, .kernel = 3, .bias = true}},
        ConvCase{"strided", 16, {.out = 32, .kernel = 3, .stride = 2, .pads = {1, 1, 1, 1}}},
        ConvCase{"asymmetric", 8, {.out = 8, .kernel = 3, .stride = 2, .pads = {0, 1, 2, 0}}},
        ConvCase{"dilated", 8, {.out = 16, .kernel = 3, .pads = {2, 2, 2, 2}, .dilation = 2}},
        ConvCase{"grouped", 32, {.out = 64, .kernel = 3, .groups = 4, .bias = true}},
        ConvCase{"grouped_odd", 9, {.out = 15, .kernel = 3, .groups = 3}},
        ConvCase{"depthwise", 24, {.out = 24, .kernel = 3, .groups = 24, .bias = true}},
        ConvCase{"depthwise_strided",
                 24,
                 {.out = 24, .kernel = 5, .stride = 2, .pads = {2, 2, 2, 2}, .groups = 24}},
        ConvCase{"multiplied_depthwise", 12, {.out = 36, .kernel = 3, .groups = 12}},
        ConvCase{"stem", 3, {.out = 16, .kernel = 7, .stride = 2, .pads = {3, 3, 3, 3}}},
        ConvCase{"one_channel", 1, {.out = 7, .kernel = 5}}),
    [](const auto& instance) { return instance.param.name; });

TEST(Convolution, RunsOneSpatialAxis) {
  GraphBuilder builder("line");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(6), Dim::fixed(20)});
  const ValueId weight = builder.normal_constant("weight", {8, 6, 3}, 0.3);
  const ValueId bias = builder.normal_constant("bias", {8}, 0.3);
  Node node;
  node.name = "conv";
  node.op_type = "Conv";
  node.inputs = {x, weight, bias};
  node.attributes["pads"] = std::vector<std::int64_t>{2, 0};
  node.attributes["strides"] = std::vector<std::int64_t>{2};
  const Shape shape{Dim::batch(), Dim::fixed(8), Dim::fixed(10)};
  const ValueId y = builder.op(std::move(node), shape);
  expect_as_plain(builder.finish({builder.unary("Relu", "relu", y)}));
}

TEST(Convolution, ResolvesAutoPad) {
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    SCOPED_TRACE(mode);
    GraphBuilder builder("auto_pad");
    const ValueId x = builder.input("x", images(4, 12, 12));
    Node node;
    node.name = "conv";
    node.op_type = "Conv";
    node.inputs = {x, builder.normal_constant("weight", {8, 4, 4, 4}, 0.2)};
    node.attributes["auto_pad"] = std::string(mode);
    node.attributes["strides"] = std::vector<std::int64_t>{3, 3};
    const std::int64_t side = std::string_view(mode) == "VALID" ? 3 : 4;
    expect_as_plain(builder.finish({builder.op(std::move(node), images(8, side, side))}));
  }
}

TEST(Convolution, AppliesEveryActivation) {
  for (const char* type : {"Relu", "Sigmoid", "Tanh", "HardSwish"}) {
    SCOPED_TRACE(type);
    GraphBuilder builder("activation", 1, 14);
    const ValueId x = builder.input("x", images(8, 6, 6));
    const ValueId y = builder.conv("conv", x, {.out = 16, .kernel = 3, .bias = true});
    expect_as_plain(builder.finish({builder.unary(type, "act", y)}));
  }
  GraphBuilder builder("clip");
  const ValueId x = builder.input("x", images(8, 6, 6));
  const ValueId y = builder.conv("conv", x, {.out = 16, .kernel = 3, .bias = true});
  expect_as_plain(builder.finish({builder.clip("clip", y, -0.25F, 0.5F)}));
}

TEST(Convolution, KeepsAResidualThatIsReadLater) {
  GraphBuilder builder("residual read twice");
  const ValueId x = builder.input("x", images(8, 6, 6));
  const ValueId a = builder.conv("a", x, {.out = 8, .kernel = 3});
  const ValueId b = builder.relu("relu", builder.add("add", builder.conv("b", a, {.out = 8}), a));
  const ValueId c = builder.conv("c", builder.binary("Mul", "mul", a, b), {.out = 8});
  expect_as_plain(builder.finish({c, a}));
}

/// One pixel: what is added has one number a channel, as a bias has.
TEST(Convolution, AddsToASinglePixel) {
  for (const std::int64_t groups : {1, 4, 48}) {
    for (const bool read_later : {true, false}) {
      SCOPED_TRACE(std::to_string(groups) + (read_later ? " groups, read later" : " groups"));
      GraphBuilder builder("one pixel");
      const ValueId x = builder.input("x", images(48, 1, 1));
      const ValueId a = builder.conv("a", x, {.out = 48, .kernel = 1, .bias = true});
      const ValueId b = builder.conv(
          "b", a, {.out = 48, .kernel = 3, .pads = {1, 1, 1, 1}, .groups = groups, .bias = true});
      const ValueId sum = builder.relu("relu", builder.add("add", b, a));
      const ValueId other = builder.conv("c", x, {.out = 48, .kernel = 1});
      const ValueId two = builder.add(
          "add2", builder.conv("d", sum, {.out = 48, .kernel = 1, .groups = groups}), other);
      std::vector<ValueId> outputs{two};
      if (read_later) outputs.push_back(other);
      expect_as_plain(builder.finish(outputs));
    }
  }
}

TEST(TransposedConvolution, AddsToASinglePixel) {
  for (const std::int64_t groups : {1, 4, 48}) {
    SCOPED_TRACE(groups);
    GraphBuilder builder("one pixel");
    const ValueId x = builder.input("x", images(48, 1, 1));
    const ValueId a = builder.conv("a", x, {.out = 48, .kernel = 1, .bias = true});
    const ValueId up = builder.conv_transpose(
        "up", a, {.out = 48, .kernel = 1, .pads = {0, 0, 0, 0}, .groups = groups, .bias = true});
    expect_as_plain(builder.finish({builder.relu("relu", builder.add("add", up, a)), a}));
  }
}

TEST(Gemm, AddsToASingleRow) {
  for (const std::int64_t width : {8, 48, 200}) {
    SCOPED_TRACE(width);
    GraphBuilder builder("one row");
    const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(width)});
    const ValueId a = builder.gemm("a", x, width);
    expect_as_plain(builder.finish({builder.add("add", builder.gemm("b", a, width), a), a}));
  }
}

struct TransposedCase {
  const char* name;
  ConvOptions options;
};

class TransposedConvolution : public ::testing::TestWithParam<TransposedCase> {};

TEST_P(TransposedConvolution, EqualsThePlainKernel) {
  GraphBuilder builder("transposed");
  const ValueId x = builder.input("x", images(16, 7, 9));
  const ValueId y = builder.conv_transpose("up", x, GetParam().options);
  const Graph graph = builder.finish({builder.relu("relu", y)});
  expect_as_plain(graph);
  EXPECT_NE(kernel_of(graph, "FusedConvTranspose"), "LibTorch");
}

INSTANTIATE_TEST_SUITE_P(
    Geometries,
    TransposedConvolution,
    ::testing::Values(
        TransposedCase{"doubling", {.out = 8, .kernel = 2, .stride = 2, .pads = {0, 0, 0, 0}}},
        TransposedCase{"overlapping",
                       {.out = 8, .kernel = 4, .stride = 2, .pads = {1, 1, 1, 1}, .bias = true}},
        TransposedCase{"asymmetric",
                       {.out = 8, .kernel = 3, .stride = 2, .pads = {0, 1, 1, 0}, .bias = true}},
        TransposedCase{
            "output_padding",
            {.out = 8, .kernel = 3, .stride = 2, .pads = {1, 1, 1, 1}, .output_padding = 1}},
        TransposedCase{
            "grouped",
            {.out = 8, .kernel = 3, .stride = 2, .pads = {1, 1, 1, 1}, .groups = 4, .bias = true}},
        TransposedCase{"depthwise",
                       {.out = 16, .kernel = 4, .stride = 2, .pads = {1, 1, 1, 1}, .groups = 16}}),
    [](const auto& instance) { return instance.param.name; });

TEST(Gemm, EqualsThePlainKernel) {
  GraphBuilder builder("gemm");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(40)});
  const ValueId hidden = builder.relu("relu", builder.gemm("first", x, 64));
  const Graph graph = builder.finish({builder.gemm("second", hidden, 10)});
  expect_as_plain(graph);
  EXPECT_NE(kernel_of(graph, "FusedGemm"), "LibTorch");
}

TEST(Gemm, ScalesProductAndBias) {
  GraphBuilder builder("scaled gemm");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(40)});
  Node node;
  node.name = "gemm";
  node.op_type = "Gemm";
  node.inputs = {x,
                 builder.normal_constant("weight", {40, 12}, 0.2),
                 builder.normal_constant("bias", {12}, 1.0)};
  node.attributes["alpha"] = 0.5F;
  node.attributes["beta"] = 2.0F;
  expect_as_plain(builder.finish({builder.op(std::move(node), {Dim::batch(), Dim::fixed(12)})}));
}

TEST(Matmul, MultipliesStacksOfRowsByAConstant) {
  GraphBuilder builder("linear");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(7), Dim::fixed(32)});
  const ValueId y = builder.linear("first", x, 48);
  expect_as_plain(builder.finish({builder.unary("Relu", "relu", y)}));
}

TEST(Matmul, MultipliesActivationsAndBroadcastsBatchAxes) {
  GraphBuilder builder("attention");
  const Shape heads{Dim::batch(), Dim::fixed(4), Dim::fixed(9), Dim::fixed(16)};
  const ValueId q = builder.input("q", heads);
  const ValueId k = builder.input("k", heads);
  const ValueId transposed = builder.transpose("kt", k, {0, 1, 3, 2});
  const ValueId scores = builder.matmul("scores", q, transposed);
  const ValueId shared = builder.input("shared", {Dim::fixed(1), Dim::fixed(9), Dim::fixed(5)});
  const Graph graph = builder.finish({builder.matmul("values", scores, shared)});
  expect_as_plain(graph);
  EXPECT_NE(kernel_of(graph, "MatMul"), "LibTorch");
}

struct PoolCase {
  const char* name;
  const char* type;
  std::int64_t kernel, stride;
  std::vector<std::int64_t> pads;
  bool ceil = false;
  bool count_pads = false;
};

class Pool : public ::testing::TestWithParam<PoolCase> {};

TEST_P(Pool, EqualsThePlainKernel) {
  const PoolCase& pool = GetParam();
  GraphBuilder builder("pool");
  const ValueId x = builder.input("x", images(12, 13, 10));
  Node node;
  node.name = "pool";
  node.op_type = pool.type;
  node.inputs = {x};
  node.attributes["kernel_shape"] = std::vector<std::int64_t>{pool.kernel, pool.kernel};
  node.attributes["strides"] = std::vector<std::int64_t>{pool.stride, pool.stride};
  node.attributes["pads"] = pool.pads;
  if (pool.ceil) node.attributes["ceil_mode"] = std::int64_t{1};
  if (pool.count_pads) node.attributes["count_include_pad"] = std::int64_t{1};
  const auto side = [&](std::int64_t extent, std::int64_t head, std::int64_t tail) {
    const double room = static_cast<double>(extent + head + tail - pool.kernel);
    const double steps = room / static_cast<double>(pool.stride);
    return static_cast<std::int64_t>(pool.ceil ? std::ceil(steps) : std::floor(steps)) + 1;
  };
  const Shape shape =
      images(12, side(13, pool.pads[0], pool.pads[2]), side(10, pool.pads[1], pool.pads[3]));
  expect_as_plain(builder.finish({builder.op(std::move(node), shape)}));
}

INSTANTIATE_TEST_SUITE_P(
    Geometries,
    Pool,
    ::testing::Values(PoolCase{"max", "MaxPool", 3, 2, {1, 1, 1, 1}},
                      PoolCase{"max_ceil", "MaxPool", 3, 2, {0, 0, 0, 0}, true},
                      PoolCase{"max_asymmetric", "MaxPool", 2, 2, {0, 1, 1, 0}},
                      PoolCase{"average", "AveragePool", 2, 2, {0, 0, 0, 0}},
                      PoolCase{"average_padded", "AveragePool", 3, 2, {1, 1, 1, 1}},
                      PoolCase{
                          "average_counting_pads", "AveragePool", 3, 2, {1, 1, 1, 1}, false, true},
                      PoolCase{"average_ceil", "AveragePool", 3, 2, {0, 0, 0, 0}, true}),
    [](const auto& instance) { return instance.param.name; });

TEST(Pool, AveragesWholeImages) {
  GraphBuilder builder("global");
  const ValueId x = builder.input("x", images(12, 13, 10));
  const ValueId y = builder.global_average_pool("pool", x);
  const Graph graph = builder.finish({builder.flatten("flat", y)});
  expect_as_plain(graph);
}

// --- FakeQuantize: bit for bit what ONNX Runtime computes -------------------------------------

/// The definition, element by element.
float quantized(float x, float scale, int zero_point) {
  const float code = std::nearbyint(x / scale) + static_cast<float>(zero_point);
  const float stored = std::min(std::max(code, 0.0F), 255.0F);
  return (stored - static_cast<float>(zero_point)) * scale;
}

TEST(FakeQuantize, EqualsTheDefinitionToTheBit) {
  constexpr float kScale = 0.0371F;
  constexpr int kZeroPoint = 97;
  GraphBuilder builder("fake quantize");
  const ValueId x = builder.input("x", images(19, 33, 17));
  const ValueId a = builder.quantize_dequantize("a", x, kScale, kZeroPoint);
  const Graph graph = builder.finish({a});
  std::vector<Tensor> inputs = testing::normal_inputs(graph, 3);
  auto numbers = inputs[0].mutable_data<float>();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] *= 4.0F;                                                           // both ends clip
    if (i % 3 == 0) numbers[i] = (static_cast<float>(i % 300) - 99.5F) * kScale;  // ties
  }
  const Tensor got = testing::run_executor(graph, inputs)[0];
  const auto results = got.data<float>();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_EQ(results[i], quantized(numbers[i], kScale, kZeroPoint))
        << "element " << i << ", input " << numbers[i];
  }
  EXPECT_EQ(kernel_of(graph, "FakeQuantize"), "vectorized");
}

TEST(FakeQuantize, LeavesAnInputThatIsReadLater) {
  GraphBuilder builder("fake quantize twice");
  const ValueId x = builder.input("x", images(8, 9, 9));
  const ValueId a = builder.conv("conv", x, {.out = 8});
  const ValueId b = builder.quantize_dequantize("b", a, 0.02F, 128);
  const ValueId c = builder.quantize_dequantize("c", a, 0.1F, 120);
  const Graph graph = builder.finish({a, b, c});
  const auto inputs = testing::normal_inputs(graph, 2);
  const auto got = testing::run_executor(graph, inputs);
  const auto plain = got[0].data<float>();
  for (std::size_t i = 0; i < plain.size(); ++i) {
    ASSERT_EQ(got[1].data<float>()[i], quantized(plain[i], 0.02F, 128)) << "element " << i;
    ASSERT_EQ(got[2].data<float>()[i], quantized(plain[i], 0.1F, 120)) << "element " << i;
  }
}

}  // namespace
}  // namespace ompq
