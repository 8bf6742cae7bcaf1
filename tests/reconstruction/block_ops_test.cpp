#include "ompq/reconstruction/block_ops.h"

#include <cstddef>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/runtime/convolution_passes.h"
#include "support/graph_builder.h"

// Operators alone, on numbers that can be computed by hand.

namespace ompq::reconstruction {
namespace {

using ::testing::ElementsAre;

constexpr OpContext kFloatContext{Element::Float32, at::kFloat};

/// A lane of slots with these values, and one operator.
Lane lane_of(const std::vector<at::Tensor>& values) {
  Lane lane;
  for (const at::Tensor& value : values) {
    lane.values.push_back(value.clone());
    lane.gradients.push_back(at::zeros_like(value));
  }
  lane.written.assign(values.size(), false);
  lane.weight_gradients.resize(1);
  lane.bias_gradients.resize(1);
  lane.step_gradients.assign(1, 0.0);
  lane.scratch.resize(1);
  lane.leaves.resize(1);
  lane.saved.resize(1);
  return lane;
}

at::Tensor matrix(const std::vector<float>& values, std::int64_t columns) {
  return at::tensor(values).reshape({-1, columns});
}
std::vector<float> numbers_of(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

/// y = x W^T + b with W = [[1, 0], [0.5, -1]], for the rows (1, 2) and (3, 4).
struct SmallProduct {
  explicit SmallProduct(const Bounds& bounds = {}, bool transposed = false)
      : op({.name = "product",
            .input = 0,
            .output = 1,
            .shape = runtime::product_shape(2, 2, 2),
            .bounds = bounds,
            .learns_weight = true,
            .input_needs_gradient = true,
            .transposed = transposed},
           kFloatContext),
        lane(lane_of({matrix({1, 2, 3, 4}, 2), at::zeros({2, 2})})) {
    op.prepare(lane);
    op.set_weights(transposed ? std::vector<float>{1, 0.5F, 0, -1}
                              : std::vector<float>{1, 0, 0.5F, -1});
  }
  std::vector<float> weight_gradient() {
    std::vector<Lane> lanes;
    lanes.push_back(std::move(lane));
    std::vector<float> sum(4, 0.0F);
    op.collect(lanes, sum);
    bias_gradient.assign(2, 0.0F);
    op.collect_bias(lanes, bias_gradient);
    return sum;
  }

  ProductOp op;
  Lane lane;
  std::vector<float> bias_gradient;
};

TEST(ProductOp, ComputesProductsAndTheirGradients) {
  SmallProduct product;
  product.op.set_bias({0, 10});
  product.op.forward(product.lane);
  EXPECT_THAT(numbers_of(product.lane.values[1]), ElementsAre(1, 8.5F, 3, 7.5F));
  product.lane.gradients[1].copy_(matrix({1, 0, 0, 1}, 2));
  product.op.backward(product.lane);
  EXPECT_TRUE(product.lane.written[0]);
  EXPECT_THAT(numbers_of(product.lane.gradients[0]), ElementsAre(1, 0, 0.5F, -1));
  EXPECT_THAT(product.weight_gradient(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(product.bias_gradient, ElementsAre(1, 1));
}

TEST(ProductOp, ReadsAndCollectsTransposedWeights) {
  SmallProduct product({}, /*transposed=*/true);
  product.op.forward(product.lane);
  EXPECT_THAT(numbers_of(product.lane.values[1]), ElementsAre(1, -1.5F, 3, -2.5F));
  product.lane.gradients[1].copy_(matrix({1, 0, 0, 1}, 2));
  product.op.backward(product.lane);
  EXPECT_THAT(product.weight_gradient(), ElementsAre(1, 3, 2, 4));
}

TEST(ProductOp, PassesNoGradientAtItsBounds) {
  SmallProduct product({.low = 0.0F});
  product.op.forward(product.lane);
  EXPECT_THAT(numbers_of(product.lane.values[1]), ElementsAre(1, 0, 3, 0));
  product.lane.gradients[1].fill_(1.0F);
  product.op.backward(product.lane);
  EXPECT_THAT(numbers_of(product.lane.gradients[0]), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(product.weight_gradient(), ElementsAre(4, 6, 0, 0));
}

TEST(ProductOp, SumsWeightGradientsOverPasses) {
  SmallProduct product;
  for (int pass = 0; pass < 3; ++pass) {
    product.op.forward(product.lane);
    product.lane.gradients[1].copy_(matrix({1, 0, 0, 1}, 2));
    product.op.backward(product.lane);
  }
  EXPECT_THAT(product.weight_gradient(), ElementsAre(3, 6, 9, 12));
}

TEST(QuantizeOp, RoundsAndHasTheGradientsOfLearnedStepQuantization) {
  QuantizeOp op({.name = "q", .input = 0, .output = 1, .needs_gradient = true},
                kFloatContext,
                {.scale = 0.5F, .low = -2.0F, .high = 3.0F});
  const at::Tensor x = matrix({-3, 0.3F, 1, 9}, 4);
  Lane lane = lane_of({x, at::zeros_like(x)});
  lane.gradients[0] = lane.gradients[1];  // as prepare_lane() shares it
  op.forward(lane);
  EXPECT_THAT(numbers_of(lane.values[1]), ElementsAre(-1, 0.5F, 1, 1.5F));
  lane.gradients[1].fill_(1.0F);
  op.backward(lane);
  EXPECT_THAT(numbers_of(lane.gradients[0]), ElementsAre(0, 1, 1, 0));
  // The limits outside of the range; inside, the rounding error of x / scale: 1 - 0.6 and 0.
  EXPECT_NEAR(lane.step_gradients[0], -2 + 0.4 + 0 + 3, 1e-6);
  op.set_step(1.0F);
  op.forward(lane);
  EXPECT_THAT(numbers_of(lane.values[1]), ElementsAre(-2, 0, 1, 3));
}

TEST(AddOp, SharesTheGradientOfTheSum) {
  AddOp op({.name = "add",
            .a = 0,
            .b = 1,
            .output = 2,
            .bounds = {.low = 0.0F},
            .a_needs_gradient = true,
            .b_needs_gradient = true,
            .a_shares_gradient = true},
           kFloatContext);
  Lane lane = lane_of({matrix({1, -2}, 2), matrix({2, 1}, 2), at::zeros({1, 2})});
  lane.gradients[0] = lane.gradients[2];
  op.forward(lane);
  EXPECT_THAT(numbers_of(lane.values[2]), ElementsAre(3, 0));
  lane.gradients[2].copy_(matrix({5, 7}, 2));
  op.backward(lane);
  EXPECT_THAT(numbers_of(lane.gradients[0]), ElementsAre(5, 0));
  EXPECT_THAT(numbers_of(lane.gradients[1]), ElementsAre(5, 0));
  EXPECT_TRUE(lane.written[0] && lane.written[1]);
}

TEST(BoundsOp, ClipsAndPassesTheGradientInside) {
  BoundsOp op({.name = "clip",
               .input = 0,
               .output = 1,
               .bounds = {.low = -1.0F, .high = 1.0F},
               .needs_gradient = true},
              kFloatContext);
  Lane lane = lane_of({matrix({-3, 0.5F, 2}, 3), at::zeros({1, 3})});
  op.forward(lane);
  EXPECT_THAT(numbers_of(lane.values[1]), ElementsAre(-1, 0.5F, 1));
  lane.gradients[1].fill_(1.0F);
  op.backward(lane);
  EXPECT_THAT(numbers_of(lane.gradients[0]), ElementsAre(0, 1, 0));
}

TEST(GiveGradient, SetsTheFirstAndAddsTheOthers) {
  Lane lane = lane_of({matrix({0, 0}, 2)});
  lane.gradients[0].fill_(99.0F);  // of the last step
  give_gradient(lane, 0, matrix({1, 2}, 2), Element::Float32);
  EXPECT_THAT(numbers_of(lane.gradients[0]), ElementsAre(1, 2));
  give_gradient(lane, 0, matrix({10, 20}, 2), Element::Float32);
  EXPECT_THAT(numbers_of(lane.gradients[0]), ElementsAre(11, 22));
}

TEST(GenericOp, ComputesGradientsOfInputAndLearnedWeight) {
  testing::GraphBuilder builder("scaled");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(2)});
  const auto factor = builder.constant("factor", Tensor::from<float>({2}, {2, -1}));
  const graph::Graph graph = builder.finish({builder.binary("Mul", "scale", x, factor)});
  GenericOp op({.graph = &graph,
                .node = 0,
                .inputs = {Slot{0}, std::nullopt},
                .outputs = {Slot{1}},
                .needs_gradient = {true, false},
                .learned_input = 1},
               kFloatContext);
  EXPECT_EQ(op.name(), "scale");
  std::vector<Lane> lanes{lane_of({matrix({1, 2, 3, 4}, 2), at::zeros({2, 2})})};
  op.prepare(lanes.front());
  op.forward(lanes.front());
  EXPECT_THAT(numbers_of(lanes.front().values[1]), ElementsAre(2, -2, 6, -4));
  lanes.front().gradients[1].copy_(matrix({1, 1, 1, 10}, 2));
  lanes.front().written[1] = true;
  op.backward(lanes.front());
  EXPECT_THAT(numbers_of(lanes.front().gradients[0]), ElementsAre(2, -1, 2, -10));
  std::vector<float> sum(2, 0.0F);
  op.collect(lanes, sum);
  EXPECT_THAT(sum, ElementsAre(4, 42));
}

}  // namespace
}  // namespace ompq::reconstruction
