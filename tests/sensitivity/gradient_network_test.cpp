#include "ompq/sensitivity/gradient_network.h"

#include <cstdint>
#include <string_view>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "sensitivity/gradient_cases.h"
#include "support/graph_builder.h"

namespace ompq::sensitivity {
namespace {

using testing::Fixture;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// The network's function and gradient by the fast rectifiers are those of Clip.
TEST(GradientNetwork, EqualsTheNetworkThroughReLU6) {
  Fixture fixture(testing::image_network(), 2);
  for (float& value : fixture.input[0].mutable_data<float>()) value *= 5;  // beyond six
  const GradientNetwork fast(fixture.graph, fixture.layers());
  const std::vector<at::Tensor> inputs{ops::to_aten(fixture.slice(0, 2)[0])};
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& weight : fast.weights()) {
    leaves.push_back(weight.clone().requires_grad_(true));
  }
  const at::Tensor got = fast.run(inputs, leaves)[0];
  got.square().sum().backward();

  const auto exact = testing::weights_of(fixture, true);
  const at::Tensor expected = testing::float64_outputs(fixture, exact, 0, 2);
  expected.square().sum().backward();
  const auto near = [](const at::Tensor& a, const at::Tensor& b) {
    return (a.to(at::kDouble) - b).abs().max().item<double>() <=
           1e-5 * b.abs().max().item<double>();
  };
  EXPECT_TRUE(near(got.detach(), expected.detach()));
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    EXPECT_TRUE(near(leaves[l].grad(), exact[l].grad())) << l;
  }
}

TEST(GradientNetwork, TakesTwoSamplesAtOnceOrTheFixedBatch) {
  const Fixture open(testing::smooth_network(), 5);
  const GradientNetwork network(open.graph, open.layers());
  const runtime::Passes passes = network.passes(open.input);
  EXPECT_EQ(passes, (runtime::Passes{.samples = 5, .at_once = 2, .fixed = false}));
  const auto last = network.inputs_of(open.input, passes, 2);
  EXPECT_TRUE(at::equal(last[0], ops::to_aten(open.slice(4, 5)[0])));
  EXPECT_TRUE(last[0].is_contiguous(at::MemoryFormat::ChannelsLast));

  testing::GraphBuilder builder("fixed");
  const auto x = builder.input("x", {graph::Dim::fixed(3), graph::Dim::fixed(4)});
  const Fixture fixed(builder.finish({builder.gemm("fc", x, 2)}), 6);
  EXPECT_EQ(GradientNetwork(fixed.graph, fixed.layers()).passes(fixed.input),
            (runtime::Passes{.samples = 6, .at_once = 3, .fixed = true}));
}

TEST(GradientNetwork, SharesTheTensorOfASharedWeight) {
  const Fixture fixture(testing::shared_weight_network(), 2);
  const GradientNetwork network(fixture.graph, fixture.layers());
  EXPECT_EQ(network.weights()[0].data_ptr(), network.weights()[1].data_ptr());
  EXPECT_NE(network.weights()[0].data_ptr(), network.weights()[2].data_ptr());
  for (const at::Tensor& leaf : network.leaves()) EXPECT_TRUE(leaf.requires_grad());
}

TEST(GradientNetwork, HasLogarithmsOfProbabilities) {
  const Fixture fixture(testing::smooth_network(), 4);
  const GradientNetwork network(fixture.graph, fixture.layers());
  const std::vector<at::Tensor> inputs{ops::to_aten(fixture.input[0])};
  const auto outputs = network.run(inputs, network.weights());
  const at::Tensor logs = network.log_probabilities(outputs);
  EXPECT_EQ(logs.sizes().vec(), (std::vector<std::int64_t>{4, 3}));
  EXPECT_TRUE(at::allclose(logs.exp().sum(1), at::ones({4})));
  EXPECT_TRUE(at::equal(logs.argmax(1), outputs[0].argmax(1)));
  EXPECT_THROW((void)network.run({}, network.weights()), ShapeError);
}

TEST(GradientNetwork, NeedsAFloatOutput) {
  testing::GraphBuilder builder("classes");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(4)});
  const auto scores = builder.gemm("fc", x, 3);
  const auto best = builder.op({.name = "best", .op_type = "ArgMax", .inputs = {scores}},
                               {graph::Dim::fixed(1), graph::Dim::fixed(3)},
                               DataType::Int64);
  const graph::Graph graph = builder.finish({best});
  EXPECT_THAT([&] { (void)GradientNetwork(graph, {}); },
              ThrowsMessage<DataError>(HasSubstr("no float output, so there is no gradient")));
}

TEST(OutputsOf, IsThePartOfTheSamples) {
  const at::Tensor rows = at::arange(12, at::kFloat).reshape({6, 2});  // two rows per sample
  const at::Tensor shared = at::ones({5});
  const auto first = outputs_of({rows, shared}, 0, 1, 3);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_TRUE(at::equal(first[0], rows.narrow(0, 0, 2)));
  EXPECT_TRUE(at::equal(first[1], shared)) << "it belongs to the first sample";
  const auto last = outputs_of({rows, shared}, 2, 1, 3);
  ASSERT_EQ(last.size(), 1U);
  EXPECT_TRUE(at::equal(last[0], rows.narrow(0, 4, 2)));
  EXPECT_EQ(outputs_of({rows, shared}, 0, 3, 3).size(), 2U);
}

TEST(RandomFor, DependsOnTheSampleTheSeedAndThePurposeOnly) {
  const Fixture fixture(testing::smooth_network(), 4);
  const auto first_number = [](Random random) { return random.uniform(); };
  const double alone = first_number(random_for(fixture.slice(2, 3), 0, 1, 7, "fisher"));
  EXPECT_EQ(first_number(random_for(fixture.input, 2, 1, 7, "fisher")), alone)
      << "the place in the batch does not matter";
  EXPECT_NE(first_number(random_for(fixture.input, 1, 1, 7, "fisher")), alone);
  EXPECT_NE(first_number(random_for(fixture.input, 2, 1, 8, "fisher")), alone);
  EXPECT_NE(first_number(random_for(fixture.input, 2, 1, 7, "hessian")), alone);
}

TEST(SquaredNorm, AddsUpAllOutputs) {
  EXPECT_EQ(squared_norm({at::full({2, 2}, 3.0F), at::full({1}, 2.0F)}), 4 * 9 + 4);
  EXPECT_EQ(squared_norm({}), 0);
}

}  // namespace
}  // namespace ompq::sensitivity
