#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/runtime/executor.h"
#include "runtime/run_helpers.h"
#include "support/graph_builder.h"

// Looking into an interrupted pass, and changing what the rest of it reads.

namespace ompq {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using runtime::Executor;
using runtime::Precision;
using testing::GraphBuilder;
using ::testing::HasSubstr;

template <typename Error, typename Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

/// A residual block after a stem, and a classifier. "relu1" is read twice.
struct BlockNetwork {
  Graph graph;
  ValueId relu1 = graph::kNoValue;
  ValueId relu2 = graph::kNoValue;
  ValueId conv2 = graph::kNoValue;

  BlockNetwork() {
    GraphBuilder builder("block");
    const auto x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(7), Dim::fixed(5)});
    relu1 = builder.relu("relu1", builder.conv("conv1", x, {.out = 8, .kernel = 3}));
    conv2 = builder.conv("conv2", relu1, {.out = 8, .kernel = 3});
    relu2 = builder.relu("relu2", conv2);
    const auto sum = builder.add("sum", builder.conv("conv3", relu2, {.out = 8}), relu1);
    const auto flat = builder.flatten("flat", builder.global_average_pool("pool", sum));
    graph = builder.finish({builder.gemm("fc", flat, 4)});
  }
  [[nodiscard]] ValueId weight(const std::string& layer) const {
    return graph.find_value(layer + ".weight");
  }
};

TEST(State, RunsTheReaderOfAWeightAndNoMore) {
  const BlockNetwork network;
  const auto inputs = testing::normal_inputs(network.graph, 2);
  Executor executor(network.graph, {.profile = true});
  Executor::State state = executor.start(inputs);
  executor.advance_to_reader_of(state, network.weight("conv2"));
  EXPECT_EQ(executor.run_reader_of(state, network.weight("conv2")), network.relu2);
  for (const auto& row : executor.profile()) {
    EXPECT_EQ(row.calls, row.name == "conv1" || row.name == "conv2" ? 1 : 0) << row.name;
  }
  const Tensor rest = executor.finish(std::move(state))[0];
  EXPECT_TRUE(rest.equals(executor.run(inputs)[0]));
}

TEST(State, RunsTheReaderFromInFrontOfItAlone) {
  const BlockNetwork network;
  Executor executor(network.graph);
  Executor::State state = executor.start(testing::normal_inputs(network.graph, 2));
  EXPECT_THAT(message_of<ConfigError>(
                  [&] { (void)executor.run_reader_of(state, network.weight("conv2")); }),
              HasSubstr("is not at the node that reads"));
}

TEST(State, ShowsALiveValueAsACaptureDoes) {
  const BlockNetwork network;
  const auto inputs = testing::normal_inputs(network.graph, 2);
  Executor executor(network.graph, {.captured = {network.relu2}});
  std::vector<float> captured;
  (void)executor.run(inputs, [&](ValueId, const MatrixView& view) {
    const auto* data = static_cast<const float*>(view.data);
    captured.assign(data, data + view.rows * view.cols);
  });
  Executor::State state = executor.start(inputs);
  executor.advance_past(state, network.relu2);
  const MatrixView view = executor.rows(state, network.relu2);
  ASSERT_EQ(view.rows, 2);
  ASSERT_EQ(view.rows * view.cols, static_cast<std::int64_t>(captured.size()));
  const auto* data = static_cast<const float*>(view.data);
  EXPECT_TRUE(std::equal(captured.begin(), captured.end(), data));
}

TEST(State, GivesAValueInTheOrderOfOnnx) {
  const BlockNetwork network;
  const auto inputs = testing::normal_inputs(network.graph, 2);
  Graph watched = network.graph;
  watched.mark_output(network.relu2);
  const Tensor expected = testing::run_executor(watched, inputs)[1];
  Executor executor(network.graph, {.captured = {network.relu2}});
  Executor::State state = executor.start(inputs);
  executor.advance_past(state, network.relu2);
  EXPECT_TRUE(testing::near(executor.value(state, network.relu2), expected, 1e-6));
}

TEST(State, PositionsAreInTheOrderOfExecution) {
  const BlockNetwork network;
  const Executor executor(network.graph);
  EXPECT_EQ(executor.position(network.graph.inputs()[0]), 0U);
  EXPECT_LT(executor.position(network.relu1), executor.position(network.relu2));
}

class AnyPrecision : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::BFloat16 && !runtime::has_native_bfloat16()) {
      GTEST_SKIP() << "this processor has no bfloat16 products";
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Precisions,
                         AnyPrecision,
                         ::testing::Values(Precision::Float32, Precision::BFloat16),
                         [](const auto& instance) {
                           return instance.param == Precision::Float32 ? "float32" : "bfloat16";
                         });

TEST_P(AnyPrecision, AValueSetToItselfChangesNothing) {
  const BlockNetwork network;
  const auto inputs = testing::normal_inputs(network.graph, 2);
  Executor executor(network.graph, {.precision = GetParam()});
  const Tensor expected = executor.run(inputs)[0];
  Executor::State state = executor.start(inputs);
  executor.advance_past(state, network.relu1);
  executor.set_value(state, network.relu1, executor.value(state, network.relu1));
  EXPECT_TRUE(executor.finish(std::move(state))[0].equals(expected));
}

TEST_P(AnyPrecision, AQuantizedValueIsReadByAllWhoReadLater) {
  const BlockNetwork network;
  const auto inputs = testing::normal_inputs(network.graph, 2);
  const auto params =
      quant::qparams_from_range(0.0F, 4.0F, BitWidth(3), quant::Symmetry::Asymmetric);
  Executor executor(network.graph, {.precision = GetParam()});
  Executor::State state = executor.start(inputs);
  executor.advance_past(state, network.relu1);
  Executor::State by_hand = state;
  executor.set_value(
      by_hand, network.relu1, quant::fake_quantize(executor.value(state, network.relu1), params));
  Executor::State untouched = state;
  executor.fake_quantize(state, network.relu1, params);
  const Tensor got = executor.finish(std::move(state))[0];
  // In bfloat16, set_value rounds what it is given to what the pass holds.
  EXPECT_TRUE(testing::near(got,
                            executor.finish(std::move(by_hand))[0],
                            GetParam() == Precision::Float32 ? 1e-6 : 0x1p-7));
  const Tensor real = executor.run(inputs)[0];
  EXPECT_FALSE(got.equals(real));
  EXPECT_TRUE(executor.finish(std::move(untouched))[0].equals(real));
}

TEST(State, SetsTheNetworksInputToo) {
  const BlockNetwork network;
  const auto inputs = testing::normal_inputs(network.graph, 2, 1);
  const auto others = testing::normal_inputs(network.graph, 2, 2);
  Executor executor(network.graph);
  Executor::State state = executor.start(inputs);
  const ValueId x = network.graph.inputs()[0];
  executor.advance_past(state, x);
  executor.set_value(state, x, others[0]);
  EXPECT_TRUE(executor.finish(std::move(state))[0].equals(executor.run(others)[0]));
}

TEST(State, RefusesWhatIsNotThere) {
  const BlockNetwork network;
  Executor executor(network.graph);
  Executor::State state = executor.start(testing::normal_inputs(network.graph, 2));
  // conv2's own output went into the fused node.
  EXPECT_THAT(message_of<ConfigError>([&] { executor.advance_past(state, network.conv2); }),
              HasSubstr("list it in ExecutorOptions::captured"));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)executor.position(network.conv2); }),
              HasSubstr("after fusion"));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)executor.value(state, network.relu1); }),
              HasSubstr("is not alive"));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)executor.rows(state, 999); }),
              HasSubstr("'999' is not alive"));
  executor.advance_past(state, network.relu2);
  EXPECT_THAT(message_of<ConfigError>([&] { executor.advance_past(state, network.relu1); }),
              HasSubstr("already past"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                executor.set_value(state, network.relu2, Tensor(DataType::Float32, {1, 2}));
              }),
              HasSubstr("keep the shape"));
  quant::QuantParams two{.scale = {1, 1}, .zero_point = {0, 0}};
  EXPECT_THAT(message_of<ConfigError>([&] { executor.fake_quantize(state, network.relu2, two); }),
              HasSubstr("has one scale, not 2"));
}

}  // namespace
}  // namespace ompq
