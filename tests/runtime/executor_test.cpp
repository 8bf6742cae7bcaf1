#include "ompq/runtime/executor.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"
#include "ompq/graph/passes.h"
#include "runtime/run_helpers.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using runtime::Executor;
using runtime::Precision;
using testing::GraphBuilder;
using ::testing::HasSubstr;

constexpr double kFloatBound = 1e-5;

struct Network {
  const char* name;
  Graph (*make)(const testing::zoo::Options&);
};

/// A quarter of the width on CIFAR's image size: every shape of block, in milliseconds.
Graph small(const Network& network) {
  testing::zoo::Options options = testing::zoo::kCifar;
  options.width = 0.25;
  return network.make(options);
}

class Zoo : public ::testing::TestWithParam<Network> {};
INSTANTIATE_TEST_SUITE_P(Networks,
                         Zoo,
                         ::testing::Values(Network{"resnet18", testing::zoo::resnet18},
                                           Network{"resnet50", testing::zoo::resnet50},
                                           Network{"mobilenet_v2", testing::zoo::mobilenet_v2},
                                           Network{"squeeze_net", testing::zoo::squeeze_net},
                                           Network{"efficient_net", testing::zoo::efficient_net},
                                           Network{"unet", testing::zoo::unet},
                                           Network{"assorted", testing::zoo::assorted}),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(Zoo, FusedEqualsUnfusedEqualsDifferentiable) {
  const Graph plain = small(GetParam());
  Graph folded = plain;
  graph::fold_batch_norms(folded);
  const auto inputs = testing::normal_inputs(plain, 4);
  const Tensor expected = testing::run_plain(plain, inputs)[0];
  EXPECT_TRUE(testing::near(testing::run_executor(plain, inputs)[0], expected, kFloatBound));
  EXPECT_TRUE(testing::near(testing::run_executor(folded, inputs)[0], expected, kFloatBound));
  EXPECT_TRUE(testing::near(
      testing::run_executor(folded, inputs, {.fuse = false})[0], expected, kFloatBound));
  Graph fused = folded;
  graph::fuse(fused);
  EXPECT_TRUE(testing::near(testing::run_plain(fused, inputs)[0], expected, kFloatBound));
}

TEST_P(Zoo, RunsOnAnyNumberOfThreads) {
  const Graph graph = small(GetParam());
  const auto inputs = testing::normal_inputs(graph, 3);
  const Tensor expected = testing::run_executor(graph, inputs, {.threads = 1})[0];
  EXPECT_TRUE(testing::near(
      testing::run_executor(graph, inputs, {.threads = 3})[0], expected, kFloatBound));
}

TEST_P(Zoo, BFloat16StaysClose) {
  if (!runtime::has_native_bfloat16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  Graph graph = small(GetParam());
  graph::fold_batch_norms(graph);
  const auto inputs = testing::normal_inputs(graph, 8);
  const Tensor expected = testing::run_executor(graph, inputs)[0];
  Executor executor(graph, {.precision = Precision::Auto});
  ASSERT_EQ(executor.precision(), Precision::BFloat16);
  const Tensor got = executor.run(inputs)[0];
  EXPECT_EQ(got.type(), DataType::Float32);
  // Each of up to 54 layers rounds its weights, its input and its output by 2^-9 at most,
  // uniformly, so by 2^-9 / sqrt(3) on average; independent errors add up as a root of squares:
  // sqrt(3 x 54) x 2^-9 / sqrt(3) = 1.4 %. The worst of 80 logits is within four deviations.
  EXPECT_LT(testing::relative_error(got, expected), 4 * 0.014);
}

TEST_P(Zoo, PartialPassesEqualAFullRun) {
  const Graph graph = small(GetParam());
  const auto inputs = testing::normal_inputs(graph, 2);
  Executor executor(graph);
  const Tensor expected = executor.run(inputs)[0];
  Executor::State state = executor.start(inputs);
  for (const graph::Node& node : graph.nodes()) {
    if (!node.is("Conv") && !node.is("Gemm")) continue;
    executor.advance_to_reader_of(state, node.inputs[1]);
    Executor::State copy = state;
    ASSERT_TRUE(executor.finish(std::move(copy))[0].equals(expected)) << "from " << node.name;
  }
}

TEST_P(Zoo, AChangedWeightChangesWhatAFreshExecutorWould) {
  Graph graph = small(GetParam());
  const auto inputs = testing::normal_inputs(graph, 2);
  Executor executor(graph);
  const Tensor original = executor.run(inputs)[0];
  Executor::State state = executor.start(inputs);
  int layers = 0;
  for (const graph::Node& node : graph.nodes()) {
    if (!node.is("Conv") && !node.is("Gemm")) continue;
    if (layers++ % 8 != 0) continue;
    const ValueId weight = node.inputs[1];
    const Tensor before = *graph.value(weight).constant;
    Tensor after = before;
    for (float& number : after.mutable_data<float>()) number *= 0.5F;
    executor.advance_to_reader_of(state, weight);
    executor.set_constant(weight, after);
    const Tensor got = executor.finish(Executor::State(state))[0];
    executor.set_constant(weight, before);

    graph.mutable_value(weight).constant = after;
    const Tensor expected = testing::run_executor(graph, inputs)[0];
    graph.mutable_value(weight).constant = before;
    ASSERT_TRUE(got.equals(expected)) << "at " << node.name;
  }
  EXPECT_TRUE(executor.run(inputs)[0].equals(original));
}

// --- capture ------------------------------------------------------------------------------------

TEST_P(Zoo, CapturesWhatAnUnfusedRunMakes) {
  const Graph graph = small(GetParam());
  std::vector<ValueId> captured;
  for (const graph::Node& node : graph.nodes()) {
    if (node.is("Relu") || node.is("Clip") || node.is("Add")) captured.push_back(node.outputs[0]);
  }
  const auto inputs = testing::normal_inputs(graph, 3);
  const auto capture_all = [&](bool fuse) {
    std::map<ValueId, Tensor> seen;
    Executor executor(graph, {.fuse = fuse, .captured = captured});
    (void)executor.run(inputs, [&](ValueId id, const MatrixView& view) {
      EXPECT_EQ(view.rows, 3);
      EXPECT_EQ(view.row_stride, view.cols);
      EXPECT_EQ(view.type, DataType::Float32);
      const auto* numbers = static_cast<const float*>(view.data);
      EXPECT_TRUE(seen.emplace(id,
                               Tensor::from<float>({view.rows, view.cols},
                                                   std::span(numbers, view.rows * view.cols)))
                      .second);
    });
    return seen;
  };
  const auto fused = capture_all(true);
  const auto unfused = capture_all(false);
  ASSERT_EQ(fused.size(), captured.size());
  for (const auto& [id, value] : unfused) {
    EXPECT_TRUE(testing::near(fused.at(id), value, kFloatBound)) << graph.value(id).name;
  }
}

TEST(Capture, GivesRowsInTheOrderHeightWidthChannel) {
  GraphBuilder builder("identity");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(2), Dim::fixed(1), Dim::fixed(3)});
  const ValueId y = builder.relu("relu", x);
  const Graph graph = builder.finish({builder.relu("again", y)});
  const std::vector<float> planes{1, 2, 3, 4, 5, 6};  // channel 0, then channel 1
  Executor executor(graph, {.captured = {x, y}});
  std::map<ValueId, std::vector<float>> seen;
  const Tensor input = Tensor::from<float>({1, 2, 1, 3}, planes);
  (void)executor.run({&input, 1}, [&](ValueId id, const MatrixView& view) {
    const auto* numbers = static_cast<const float*>(view.data);
    seen[id].assign(numbers, numbers + view.cols);
  });
  const std::vector<float> pixels{1, 4, 2, 5, 3, 6};
  EXPECT_EQ(seen[x], pixels);
  EXPECT_EQ(seen[y], pixels);
}

TEST(Capture, HandsOutBFloat16AsItIs) {
  if (!runtime::has_native_bfloat16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  GraphBuilder builder("conv");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(8), Dim::fixed(5), Dim::fixed(5)});
  const ValueId y = builder.conv("conv", x, {.out = 16, .kernel = 3});
  const Graph graph = builder.finish({builder.global_average_pool("pool", y)});
  Executor executor(graph, {.precision = Precision::BFloat16, .captured = {y}});
  bool called = false;
  (void)executor.run(testing::normal_inputs(graph, 2), [&](ValueId, const MatrixView& view) {
    called = true;
    EXPECT_EQ(view.type, DataType::BFloat16);
    EXPECT_EQ(view.cols, 16 * 5 * 5);
    const auto first = *static_cast<const std::uint16_t*>(view.data);
    EXPECT_LT(std::abs(bfloat16_to_float(first)), 100.0F);
  });
  EXPECT_TRUE(called);
}

// --- errors -------------------------------------------------------------------------------------

Graph two_inputs() {
  GraphBuilder builder("two");
  const ValueId a = builder.input("left", {Dim::batch(), Dim::fixed(3), Dim::fixed(4)});
  const ValueId b = builder.input("right", {Dim::batch(), Dim::fixed(3), Dim::fixed(4)});
  return builder.finish({builder.add("add", a, b)});
}

/// The message of the Error that `act` throws.
template <typename Expected>
std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Expected& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Executor, NamesTheInputThatDoesNotFit) {
  Executor executor(two_inputs());
  const auto run = [&](std::vector<std::int64_t> left, std::vector<std::int64_t> right) {
    return message_of<ShapeError>([&] {
      const std::vector<Tensor> inputs{testing::normal_tensor(std::move(left)),
                                       testing::normal_tensor(std::move(right))};
      (void)executor.run(inputs);
    });
  };
  EXPECT_THAT(run({2, 3, 4}, {2, 3, 5}), HasSubstr("input 'right' takes Nx3x4 but got 2x3x5"));
  EXPECT_THAT(run({2, 3}, {2, 3, 4}), HasSubstr("input 'left' takes Nx3x4 but got 2x3;"));
  EXPECT_THAT(run({2, 3, 4}, {5, 3, 4}), HasSubstr("other inputs have 2 samples"));
  EXPECT_THAT(run({0, 3, 4}, {0, 3, 4}), HasSubstr("1 or more"));
}

TEST(Executor, WantsATensorForEachInput) {
  Executor executor(two_inputs());
  const std::string message = message_of<ShapeError>([&] {
    const Tensor one = testing::normal_tensor({2, 3, 4});
    (void)executor.run({&one, 1});
  });
  EXPECT_THAT(message, HasSubstr("takes 2 inputs but got 1"));
}

TEST(Executor, RefusesAWeightOfAnotherShape) {
  const Graph graph = small({"resnet18", testing::zoo::resnet18});
  Executor executor(graph);
  const ValueId weight = graph.find_value("conv1.weight");
  const std::string message = message_of<ShapeError>([&] {
    executor.set_constant(weight, testing::normal_tensor({1, 2, 3}));
  });
  EXPECT_THAT(message, HasSubstr("constant 'conv1.weight' is"));
  EXPECT_THAT(message, HasSubstr("1x2x3"));
}

TEST(Executor, RefusesToGoBack) {
  const Graph graph = small({"resnet18", testing::zoo::resnet18});
  Executor executor(graph);
  Executor::State state = executor.start(testing::normal_inputs(graph, 1));
  executor.advance_to_reader_of(state, graph.find_value("fc.weight"));
  const std::string message = message_of<ConfigError>(
      [&] { executor.advance_to_reader_of(state, graph.find_value("conv1.weight")); });
  EXPECT_THAT(message, HasSubstr("already past"));
}

TEST(Executor, RefusesAFinishedState) {
  const Graph graph = two_inputs();
  Executor executor(graph);
  Executor::State state = executor.start(testing::normal_inputs(graph, 1));
  (void)executor.finish(std::move(state));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)executor.finish(std::move(state)); }),  // NOLINT
              HasSubstr("already finished"));
}

}  // namespace
}  // namespace ompq
