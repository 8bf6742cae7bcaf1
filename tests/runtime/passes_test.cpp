#include "ompq/runtime/passes.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "runtime/run_helpers.h"
#include "support/graph_builder.h"

namespace ompq::runtime {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Shape;
using graph::ValueId;
using ::testing::HasSubstr;

constexpr std::int64_t kSamples = 5;

/// The shape with the number of samples in front: open, or fixed.
Shape batched(std::int64_t batch, const std::vector<std::int64_t>& extents) {
  Shape shape{batch > 0 ? Dim::fixed(batch) : Dim::batch()};
  for (const std::int64_t extent : extents) shape.push_back(Dim::fixed(extent));
  return shape;
}

/// Convolution, a Reshape that repeats the batch, two fully connected layers.
/// @param batch  0: open.
Graph classifier(std::int64_t batch) {
  testing::GraphBuilder builder("classifier");
  const ValueId x = builder.input("x", batched(batch, {3, 6, 6}));
  const ValueId y =
      builder.relu("relu1", builder.conv("conv", x, {.out = 4, .kernel = 3, .bias = true}));
  const ValueId flat =
      builder.reshape("flat", y, {batch > 0 ? batch : -1, 4 * 36}, batched(batch, {4 * 36}));
  return builder.finish(
      {builder.gemm("fc2", builder.relu("relu2", builder.gemm("fc1", flat, 9)), 5)});
}

/// [n, 4, 6] tokens that are turned to [4, n, 6], as recurrent networks have them, and back.
Graph turned(std::int64_t batch) {
  testing::GraphBuilder builder("turned");
  const ValueId x = builder.input("x", batched(batch, {4, 6}));
  const Dim samples = batch > 0 ? Dim::fixed(batch) : Dim::batch();
  const ValueId first = builder.op({.name = "turn",
                                    .op_type = "Transpose",
                                    .inputs = {x},
                                    .attributes = {{"perm", std::vector<std::int64_t>{1, 0, 2}}}},
                                   {Dim::fixed(4), samples, Dim::fixed(6)});
  const ValueId y = builder.relu("relu", builder.linear("fc", first, 7));
  return builder.finish({builder.op({.name = "back",
                                     .op_type = "Transpose",
                                     .inputs = {y},
                                     .attributes = {{"perm", std::vector<std::int64_t>{1, 0, 2}}}},
                                    batched(batch, {4, 7}))});
}

/// Captured rows by the value's name.
std::map<std::string, std::vector<float>> captured(const Graph& graph,
                                                   const std::vector<Tensor>& inputs,
                                                   std::map<std::string, std::int64_t>& rows) {
  ExecutorOptions options;
  for (const graph::Node& node : graph.nodes()) options.captured.push_back(node.outputs.front());
  Executor executor(graph, options);
  std::map<std::string, std::vector<float>> values;
  (void)executor.run(inputs, [&](ValueId id, const MatrixView& view) {
    const std::string& name = graph.value(id).name;
    rows[name] = view.rows;
    const auto* data = static_cast<const float*>(view.data);
    for (std::int64_t r = 0; r < view.rows; ++r) {
      for (std::int64_t c = 0; c < view.cols; ++c) {
        values[name].push_back(data[r * view.row_stride + c]);
      }
    }
  });
  return values;
}

class FixedBatch : public ::testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, FixedBatch, ::testing::Values(1, 2, 3, 5, 8));

TEST_P(FixedBatch, AnyNumberOfSamplesGoesThroughAsThroughAnOpenNetwork) {
  for (const auto make : {classifier, turned}) {
    const Graph open = make(0);
    const Graph fixed = make(GetParam());
    const auto inputs = testing::normal_inputs(open, kSamples);
    const auto expected = testing::run_executor(open, inputs);
    const auto got = testing::run_executor(fixed, inputs);
    EXPECT_TRUE(testing::near(got.front(), expected.front(), 1e-6)) << fixed.name;
  }
}

TEST_P(FixedBatch, CapturesHaveARowForEachSampleAndNoneForTheFilling) {
  for (const auto make : {classifier, turned}) {
    const Graph open = make(0);
    const auto inputs = testing::normal_inputs(open, kSamples);
    std::map<std::string, std::int64_t> rows;
    const auto expected = captured(open, inputs, rows);
    // The extents of [4, n, 6] do not tell which of them counts samples where n divides 4.
    if (open.name == "turned" && 4 % GetParam() == 0 && GetParam() > 1) continue;
    const auto got = captured(make(GetParam()), inputs, rows);
    for (const auto& [name, values] : expected) {
      EXPECT_EQ(rows.at(name), kSamples) << name;
      ASSERT_EQ(got.at(name).size(), values.size()) << name;
      for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_NEAR(got.at(name)[i], values[i], 1e-5) << name << " at " << i;
      }
    }
  }
}

TEST_P(FixedBatch, PartialPassesSeeWhatAWholeOneSees) {
  const Graph fixed = classifier(GetParam());
  const auto inputs = testing::normal_inputs(classifier(0), kSamples);
  Executor executor(fixed, {.captured = {fixed.find_value("relu2_output")}});
  const auto expected = executor.run(inputs);
  auto state = executor.start(inputs);
  executor.advance_to_reader_of(state, fixed.find_value("fc1.weight"));
  auto copy = state;
  EXPECT_TRUE(executor.finish(std::move(copy)).front().equals(expected.front()));
  const ValueId value = fixed.find_value("relu2_output");
  executor.advance_past(state, value);
  EXPECT_EQ(executor.value(state, value).shape(), (std::vector<std::int64_t>{kSamples, 9}));
  executor.set_value(state, value, executor.value(state, value));
  EXPECT_TRUE(executor.finish(std::move(state)).front().equals(expected.front()));
}

TEST(Passes, AValueWithoutAxesIsOneElementAPass) {
  testing::GraphBuilder builder("mean");
  const ValueId x = builder.input("x", {Dim::fixed(2), Dim::fixed(3)});
  const Graph graph = builder.finish({builder.op({.name = "mean",
                                                  .op_type = "ReduceMean",
                                                  .inputs = {x},
                                                  .attributes = {{"keepdims", std::int64_t{0}}}},
                                                 {})});
  const Tensor input = Tensor::from<float>({3, 3}, {0, 0, 0, 2, 2, 2, 5, 5, 5});
  const Tensor got = testing::run_executor(graph, {input}).front();
  ASSERT_EQ(got.shape(), std::vector<std::int64_t>{2});
  EXPECT_FLOAT_EQ(got.data<float>()[0], 1.0F);
  EXPECT_FLOAT_EQ(got.data<float>()[1], 5.0F);  // the last sample alone, twice
}

TEST(Passes, WindowsOfASampleAreOneRow) {
  testing::GraphBuilder builder("windows");
  const ValueId x = builder.input("x", batched(0, {4, 6}));
  const ValueId windows =
      builder.reshape("windows", x, {-1, 2, 6}, {Dim::batch(2), Dim::fixed(2), Dim::fixed(6)});
  const Graph graph = builder.finish({builder.linear("fc", windows, 3)});
  std::map<std::string, std::int64_t> rows;
  (void)captured(graph, testing::normal_inputs(graph, kSamples), rows);
  for (const auto& [name, count] : rows) EXPECT_EQ(count, kSamples) << name;
}

TEST(Passes, AValueThatSamplesShareIsOneRow) {
  testing::GraphBuilder builder("queries");
  const ValueId x = builder.input("x", batched(0, {4, 6}));
  const ValueId queries =
      builder.constant("queries", Tensor::from<float>({kSamples, 6}, std::vector<float>(30, 1)));
  const ValueId made = builder.unary("Tanh", "made", queries);
  const Graph graph = builder.finish({builder.op(
      {.name = "attend", .op_type = "MatMul", .inputs = {x, builder.transpose("t", made, {1, 0})}},
      batched(0, {4, kSamples}))});
  std::map<std::string, std::int64_t> rows;
  (void)captured(graph, testing::normal_inputs(graph, kSamples), rows);
  EXPECT_EQ(rows.at("made_output"), 1);
}

TEST(Passes, AStateMayComeOnceOrOneASample) {
  testing::GraphBuilder builder("recurrent");
  const ValueId x = builder.input("x", {Dim::fixed(1), Dim::fixed(3)});
  const ValueId state = builder.input("state", {Dim::fixed(2), Dim::fixed(1), Dim::fixed(3)});
  const ValueId gain = builder.input("gain", {});
  const Graph graph = builder.finish(
      {builder.binary("Mul", "scaled", builder.binary("Add", "sum", state, x), gain)});
  const Tensor samples = testing::normal_tensor({kSamples, 3});
  const Tensor once = testing::normal_tensor({2, 1, 3}, 8);
  std::vector<float> repeated;
  for (std::int64_t s = 0; s < kSamples; ++s) {
    repeated.insert(repeated.end(), once.data<float>().begin(), once.data<float>().end());
  }
  const Tensor each = Tensor::from<float>({kSamples, 2, 1, 3}, repeated);
  const Tensor gains = Tensor::from<float>({kSamples}, std::vector<float>(kSamples, 2.0F));
  const auto shared = testing::run_executor(graph, {samples, once, Tensor::scalar(2.0F)});
  const auto own = testing::run_executor(graph, {samples, each, gains});
  EXPECT_EQ(shared.front().shape().front(), 2 * kSamples);
  EXPECT_TRUE(own.front().equals(shared.front()));
}

TEST(Passes, InputsOfDifferentNumbersOfSamplesAreRefused) {
  testing::GraphBuilder builder("two");
  const ValueId a = builder.input("left", {Dim::fixed(1), Dim::fixed(3)});
  const ValueId b = builder.input("right", {Dim::fixed(1), Dim::fixed(3)});
  const Graph graph = builder.finish({builder.add("sum", a, b)});
  try {
    (void)testing::run_executor(graph,
                                {testing::normal_tensor({4, 3}), testing::normal_tensor({5, 3})});
    FAIL() << "went through";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'right'"));
    EXPECT_THAT(error.what(), HasSubstr("other inputs have 4 samples"));
  }
}

TEST(Passes, BatchesAreWholeNumbersOfThem) {
  EXPECT_EQ(whole_passes(classifier(0), 64), 64);
  EXPECT_EQ(whole_passes(classifier(1), 64), 64);
  EXPECT_EQ(whole_passes(classifier(3), 64), 63);
  EXPECT_EQ(whole_passes(classifier(8), 2), 8);
}

}  // namespace
}  // namespace ompq::runtime
