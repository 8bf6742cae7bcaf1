#include "ompq/runtime/executor_impl.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "runtime/run_helpers.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

// The memory of passes, and what they must not change. Results are tested in executor_test.cpp.

namespace ompq {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using runtime::Executor;
using ::testing::ElementsAre;
using testing::GraphBuilder;
using ::testing::HasSubstr;

const testing::zoo::Options kNarrow{.image_size = 32, .classes = 10, .width = 0.25};

/// The message of the error that `act` throws.
template <typename Expected>
std::string thrown_by(const std::function<void()>& act) {
  try {
    act();
  } catch (const Expected& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(ViewOf, HasTheRowsOfTheTensor) {
  const at::Tensor rows = at::arange(6, at::kFloat).reshape({2, 3});
  const MatrixView view = runtime::view_of(rows);
  EXPECT_EQ(view.data, rows.data_ptr());
  EXPECT_EQ(view.type, DataType::Float32);
  EXPECT_EQ(view.rows, 2);
  EXPECT_EQ(view.cols, 3);
  EXPECT_EQ(view.row_stride, 3);
  EXPECT_EQ(runtime::view_of(rows.to(at::kBFloat16)).type, DataType::BFloat16);
}

TEST(HostCopy, IsRowMajorAndWidensBfloat16) {
  const at::Tensor image = at::arange(4, at::kFloat).reshape({1, 2, 1, 2});
  const Tensor copy = runtime::host_copy(image.contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_THAT(copy.data<float>(), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(runtime::host_copy(image.to(at::kBFloat16)).data<float>(), ElementsAre(0, 1, 2, 3));
  const Tensor integers = runtime::host_copy(at::arange(2, at::kLong));
  EXPECT_THAT(integers.data<std::int64_t>(), ElementsAre(0, 1));
}

TEST(ExecutorImpl, FreesAValueAfterItsLastReader) {
  GraphBuilder builder("chain");
  ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(8), Dim::fixed(9), Dim::fixed(9)});
  for (int i = 0; i < 10; ++i) x = builder.conv("conv" + std::to_string(i), x, {.out = 8});
  const Graph graph = builder.finish({x});
  Executor executor(graph);
  Executor::State state = executor.start(testing::normal_inputs(graph, 2));
  for (int i = 0; i < 10; ++i) {
    const auto weight = graph.find_value("conv" + std::to_string(i) + ".weight");
    executor.advance_to_reader_of(state, weight);
    EXPECT_EQ(state.live_values(), 1U) << "before conv" << i;
  }
}

TEST(ExecutorImpl, KeepsAtMostAShortcutNextToTheChain) {
  const Graph graph = testing::zoo::resnet18(kNarrow);
  Executor executor(graph);
  Executor::State state = executor.start(testing::normal_inputs(graph, 2));
  std::size_t max = 0;
  for (const graph::Node& node : graph.nodes()) {
    if (!node.is("Conv")) continue;
    executor.advance_to_reader_of(state, node.inputs[1]);
    max = std::max(max, state.live_values());
  }
  // A block's input and a value of its longer branch, or the results of both branches.
  EXPECT_EQ(max, 2U);
}

TEST(ExecutorImpl, DoesNotChangeCopiesOfAState) {
  // A residual added in place would overwrite a value that the copy still reads.
  GraphBuilder builder("block");
  const ValueId x =
      builder.input("x", {Dim::batch(), Dim::fixed(64), Dim::fixed(24), Dim::fixed(24)});
  const ValueId a = builder.conv("a", x, {.out = 64, .kernel = 3});
  const ValueId b = builder.conv("b", a, {.out = 64, .kernel = 3});
  const Graph graph = builder.finish({builder.relu("relu", builder.add("add", b, a))});
  const auto inputs = testing::normal_inputs(graph, 4);
  Executor executor(graph);
  const Tensor expected = executor.run(inputs)[0];
  Executor::State state = executor.start(inputs);
  executor.advance_to_reader_of(state, graph.find_value("b.weight"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(executor.finish(Executor::State(state))[0].equals(expected)) << "copy " << i;
  }
}

TEST(ExecutorImpl, DoesNotChangeTheCallersTensors) {
  GraphBuilder builder("views");
  const ValueId x =
      builder.input("x", {Dim::batch(), Dim::fixed(1), Dim::fixed(128), Dim::fixed(160)});
  const ValueId y = builder.quantize_dequantize("q", builder.unary("Identity", "same", x), 0.1F, 9);
  const Graph graph = builder.finish({builder.relu("relu", y)});
  const auto inputs = testing::normal_inputs(graph, 2);
  const Tensor before = Tensor::from_bytes(DataType::Float32, inputs[0].shape(), inputs[0].bytes());
  (void)testing::run_executor(graph, inputs);
  EXPECT_TRUE(inputs[0].equals(before));
}

TEST(ExecutorImpl, RejectsUnknownDevicesAndCaptures) {
  const Graph graph = testing::zoo::resnet18(kNarrow);
  EXPECT_THAT(thrown_by<ConfigError>([&] { Executor executor(graph, {.device = "tpu"}); }),
              HasSubstr("device 'tpu' is unknown"));
  EXPECT_THAT(thrown_by<ConfigError>([&] { Executor executor(graph, {.captured = {1'000'000}}); }),
              HasSubstr("cannot be captured"));
  EXPECT_THAT(thrown_by<ConfigError>([&] { Executor executor(graph, {.threads = -1}); }),
              HasSubstr("number of threads is -1"));
}

TEST(ExecutorImpl, NamesTheInputOfAnIndexOutsideOfATable) {
  Graph graph;
  const ValueId ids = graph.add_input("token_ids", DataType::Int64, {Dim::batch(), Dim::fixed(2)});
  const ValueId table = graph.add_constant("table", Tensor(DataType::Float32, {20, 3}));
  const ValueId copied = graph.add_op({"copy", "Identity", "", {ids}, {}, {}});
  graph.mark_output(graph.add_op({"embed", "Gather", "", {table, copied}, {}, {}}));
  Executor executor(graph);
  const std::vector<Tensor> sound{Tensor::from<std::int64_t>({1, 2}, {-20, 19})};
  EXPECT_EQ(executor.run(sound).front().shape(), (std::vector<std::int64_t>{1, 2, 3}));
  for (const std::int64_t wrong : {std::int64_t{25}, std::int64_t{20}, std::int64_t{-21}}) {
    const std::vector<Tensor> inputs{Tensor::from<std::int64_t>({1, 2}, {0, wrong})};
    EXPECT_THAT(
        thrown_by<DataError>([&] { (void)executor.run(inputs); }),
        ::testing::AllOf(HasSubstr("[samples] Gather node 'embed'"),
                         HasSubstr("index " + std::to_string(wrong) + " is outside an axis of 20"),
                         HasSubstr("'token_ids'")));
  }
}

TEST(ExecutorImpl, ProfilesEveryNode) {
  const Graph graph = testing::zoo::mobilenet_v2(kNarrow);
  Executor executor(graph, {.profile = true});
  const auto inputs = testing::normal_inputs(graph, 1);
  (void)executor.run(inputs);
  (void)executor.run(inputs);
  const auto rows = executor.profile();
  ASSERT_FALSE(rows.empty());
  for (const runtime::NodeTime& row : rows) {
    EXPECT_EQ(row.calls, 2) << row.name;
    EXPECT_FALSE(row.kernel.empty()) << row.name;
  }
  EXPECT_TRUE(Executor(graph).profile().empty());
}

}  // namespace
}  // namespace ompq
