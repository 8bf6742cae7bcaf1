#include "ompq/training/trainable_graph.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/quant/short_scale.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/targets/placement.h"
#include "ompq/training/losses.h"
#include "support/zoo.h"
#include "training/network_cases.h"

namespace ompq::training {
namespace {

using testing::exported_scores;
using testing::float_scores;
using testing::nearest_codes;
using testing::normal_inputs;
using testing::prepared;
using testing::relative_difference;
using testing::tiny_network;

constexpr NormMode kModes[] = {NormMode::Frozen, NormMode::Trained};

const Tensor& images() {
  static const Tensor tensor = normal_inputs({6, 2, 8, 8}, 5);
  return tensor;
}

Parameter& parameter(TrainableGraph& network, const std::string& name) {
  for (Parameter& p : network.parameters()) {
    if (p.name == name) return p;
  }
  throw std::runtime_error("no parameter " + name);
}

/// Weights, biases and norms some way off, as training leaves them; one channel turned over.
void disturb(TrainableGraph& network) {
  const at::NoGradGuard guard;
  std::int64_t index = 0;
  for (Parameter& p : network.parameters()) {
    const at::Tensor wave = at::sin(at::arange(p.tensor.numel(), at::kFloat) * 1.3 + index++);
    const at::Tensor shape = wave.reshape(p.tensor.sizes());
    p.tensor.mul_(1.0 + 0.05 * shape);
    if (p.role == Role::Bias || p.role == Role::Norm) p.tensor.add_(0.02 * shape);
    if (p.name == "project.norm.scale") p.tensor[1].neg_();
  }
  network.project();
}

TEST(TrainableGraph, FloatEvaluationIsTheExecutors) {
  // Sums of up to 2^12 float32 products, over some forty layers.
  constexpr double kRounding = 0x1p-24 * 4096 * 40;
  const testing::zoo::Options small{.image_size = 32, .classes = 7, .width = 0.25};
  const graph::Graph graphs[] = {prepared(testing::zoo::mobilenet_v2(small)),
                                 prepared(testing::zoo::resnet20(testing::zoo::Shortcut::Sampled)),
                                 prepared(testing::zoo::squeeze_net()),
                                 prepared(testing::zoo::efficient_net()),
                                 prepared(testing::zoo::vision_transformer()),
                                 prepared(testing::zoo::unet()),
                                 prepared(testing::zoo::assorted())};
  for (const graph::Graph& graph : graphs) {
    const Tensor inputs =
        normal_inputs(graph::extents_at(*graph.value(graph.inputs()[0]).shape, 2), 3);
    const Tensor expected = float_scores(graph, inputs);
    for (const NormMode mode : kModes) {
      TrainableGraph network(graph, {.norms = mode});
      const Tensor got = ops::from_aten(network.forward(ops::to_aten(inputs), Mode::Evaluation));
      EXPECT_LT(relative_difference(got, expected), kRounding) << graph.name;
      EXPECT_LT(relative_difference(float_scores(network.float_graph(), inputs), expected),
                kRounding)
          << graph.name;
    }
  }
}

std::int64_t count_norms(const graph::Graph& graph) {
  return std::ranges::count(graph.nodes(), "BatchNormalization", &graph::Node::op_type);
}

TEST(TrainableGraph, UnfoldedGraphIsTheSameFunctionWithTheNormsThatItWasMadeOf) {
  constexpr double kRounding = 0x1p-24 * 4096 * 40;  // as above
  const testing::zoo::Options small{.image_size = 32, .classes = 7, .width = 0.25};
  const graph::Graph graphs[] = {tiny_network(),
                                 prepared(testing::zoo::mobilenet_v2(small)),
                                 prepared(testing::zoo::resnet20(testing::zoo::Shortcut::Sampled)),
                                 prepared(testing::zoo::efficient_net())};
  for (const graph::Graph& graph : graphs) {
    const Tensor inputs =
        normal_inputs(graph::extents_at(*graph.value(graph.inputs()[0]).shape, 2), 3);
    TrainableGraph network(graph, {.norms = NormMode::Trained});
    disturb(network);
    const graph::Graph unfolded = network.unfolded_graph();
    ASSERT_GT(count_norms(graph), 0) << graph.name;
    EXPECT_EQ(count_norms(unfolded), count_norms(graph)) << graph.name;
    EXPECT_EQ(unfolded.nodes().size(), graph.nodes().size()) << graph.name;
    const Tensor expected = ops::from_aten(network.forward(ops::to_aten(inputs), Mode::Evaluation));
    EXPECT_GT(relative_difference(float_scores(graph, inputs), expected), 3 * kRounding)
        << graph.name << ": nothing was learned that could be forgotten";
    EXPECT_LT(relative_difference(float_scores(unfolded, inputs), expected), kRounding)
        << graph.name;
  }
}

TEST(TrainableGraph, NormsThatShareTheirConstantsLearnApart) {
  // As exporters write a fresh network: one tensor of zeros and one of ones for all norms.
  graph::Graph fresh = tiny_network();
  const graph::ValueId zeros = fresh.add_constant("zeros", Tensor(DataType::Float32, {8}));
  const graph::ValueId ones =
      fresh.add_constant("ones", Tensor::from<float>({8}, std::vector<float>(8, 1.0F)));
  for (std::size_t n = 0; n < fresh.nodes().size(); ++n) {
    graph::Node& node = fresh.mutable_node(static_cast<graph::NodeId>(n));
    if (node.is("BatchNormalization") && node.name != "down.norm") {
      node.inputs = {node.inputs[0], ones, zeros, zeros, ones};
    }
  }
  TrainableGraph network(fresh, {.norms = NormMode::Trained});
  const at::Tensor x = ops::to_aten(images());
  (void)network.forward(x, Mode::Training);
  disturb(network);
  const Tensor expected = ops::from_aten(network.forward(x, Mode::Evaluation));
  EXPECT_LT(relative_difference(float_scores(network.unfolded_graph(), images()), expected),
            0x1p-24 * 4096 * 40);
}

TEST(TrainableGraph, GradientsAreThoseOfNodeByNodeExecution) {
  TrainableGraph network(tiny_network(), {});
  const at::Tensor inputs = ops::to_aten(images());
  const std::vector<std::int64_t> labels{0, 1, 2, 0, 1, 2};
  cross_entropy(network.forward(inputs, Mode::Training), labels).backward();

  const graph::Graph& folded = network.folded_graph();
  const runtime::DifferentiableGraph reference(folded);
  runtime::Bindings bound{{folded.inputs()[0], inputs}};
  for (const graph::Layer& layer : network.layers()) {
    for (const graph::ValueId id : {layer.weight, layer.bias}) {
      bound[id] = ops::to_aten(*folded.value(id).constant).clone().requires_grad_(true);
    }
  }
  cross_entropy(reference.evaluate(bound, folded.outputs()).front(), labels).backward();
  for (const graph::Layer& layer : network.layers()) {
    for (const graph::ValueId id : {layer.weight, layer.bias}) {
      const at::Tensor got = parameter(network, folded.value(id).name).tensor.grad();
      const at::Tensor expected = bound[id].grad();
      ASSERT_TRUE(got.defined());
      // Sums of up to 384 products in another order.
      const double bound_on_error = 384 * 0x1p-22 * expected.abs().max().item<double>();
      EXPECT_LE((got - expected).abs().max().item<double>(), bound_on_error) << layer.name;
    }
  }
}

/// Running statistics stay, and with them the grids of weights that norms are folded into.
at::Tensor training_scores(TrainableGraph& network) {
  const at::Tensor x = ops::to_aten(images());
  return network.forward({&x, 1}, Mode::Training, 0.0).front();
}

/// Central differences of the loss along a direction of one parameter.
double numeric_slope(TrainableGraph& network,
                     at::Tensor tensor,
                     const at::Tensor& direction,
                     double reach) {
  const std::vector<std::int64_t> labels{0, 1, 2, 0, 1, 2};
  const auto loss_at = [&](double t) {
    const at::NoGradGuard guard;
    const at::Tensor kept = tensor.detach().clone();
    tensor.add_(t * direction);
    const double loss =
        cross_entropy(training_scores(network).to(at::kDouble), labels).item<double>();
    tensor.copy_(kept);
    return loss;
  };
  return (loss_at(reach) - loss_at(-reach)) / (2.0 * reach);
}

/// That slope, by the reach where it is nearest to `exact`, and the noise of float32 losses there.
/// A ReLU that switches within the reach bends the loss: of three reaches, one lies clear of the
/// kinks if the gradient is right, and none helps if it is wrong.
void expect_slope(TrainableGraph& network,
                  const Parameter& p,
                  const at::Tensor& direction,
                  double exact) {
  struct Slope {
    double value = 0.0;
    double noise = 0.0;
    [[nodiscard]] double excess(double exact) const { return std::abs(value - exact) - noise; }
  };
  Slope best{.value = std::numeric_limits<double>::infinity()};
  for (const double reach : {2e-3, 1e-3, 5e-4}) {
    const Slope slope{numeric_slope(network, p.tensor, direction, reach), 0x1p-22 / reach};
    if (slope.excess(exact) < best.excess(exact)) best = slope;
  }
  EXPECT_NEAR(best.value, exact, 0.03 * exact + best.noise) << p.name;
}

TEST(TrainableGraph, NormGradientsOfTheWholeLossEqualCentralDifferences) {
  TrainableGraph network(tiny_network(), {.norms = NormMode::Trained});
  const std::vector<std::int64_t> labels{0, 1, 2, 0, 1, 2};
  cross_entropy(network.forward(ops::to_aten(images()), Mode::Training), labels).backward();
  for (Parameter& p : network.parameters()) {
    const at::Tensor direction = p.tensor.grad() / p.tensor.grad().norm();
    const double exact = p.tensor.grad().norm().item<double>();
    if (exact < 1e-4) continue;  // below the noise of float32 losses
    expect_slope(network, p, direction, exact);
  }
}

TEST(TrainableGraph, QuantizedGradientsEqualDifferencesWhereTheLossIsSmooth) {
  // Weights quantized, activations float: the loss is smooth in biases, and it is the same loss
  // that straight-through gradients of weights are taken of.
  for (const NormMode mode : kModes) {
    TrainableGraph network(tiny_network(), {.norms = mode});
    rounding::NetworkCodes codes =
        nearest_codes(network.folded_graph(), network.layers(), 3, 8, images());
    codes.activations.clear();
    network.quantize(codes, "lsq");
    const std::vector<std::int64_t> labels{0, 1, 2, 0, 1, 2};
    cross_entropy(training_scores(network), labels).backward();
    int checked = 0;
    for (Parameter& p : network.parameters()) {
      if (p.role != Role::Bias && p.name.find(".shift") == std::string::npos) continue;
      const double exact = p.tensor.grad().norm().item<double>();
      if (exact < 1e-4) continue;
      expect_slope(network, p, p.tensor.grad() / exact, exact);
      ++checked;
    }
    EXPECT_GE(checked, 3);
  }
}

TEST(TrainableGraph, WeightGradientPassesStraightThroughToTheQuantizedWeight) {
  // The gradient at the float weight is that of a float network whose weights are the quantized
  // ones, where the weight lies inside of its range.
  TrainableGraph network(tiny_network(), {});
  rounding::NetworkCodes codes =
      nearest_codes(network.folded_graph(), network.layers(), 4, 8, images());
  codes.activations.clear();
  network.quantize(codes, "lsq");
  graph::Graph rounded = network.folded_graph();
  for (const auto& [name, weight] : codes.weights) {
    rounded.mutable_value(rounded.find_value(name)).constant = quant::dequantize(weight);
  }
  TrainableGraph reference(rounded, {});
  const std::vector<std::int64_t> labels{0, 1, 2, 0, 1, 2};
  for (TrainableGraph* one : {&network, &reference}) {
    cross_entropy(one->forward(ops::to_aten(images()), Mode::Training), labels).backward();
  }
  for (const auto& [name, weight] : codes.weights) {
    const Parameter& own = parameter(network, name);
    const at::Tensor expected = parameter(reference, name).tensor.grad();
    quant::QuantizedTensor limit = weight;
    const auto limits = [&](std::uint8_t code) {
      std::fill(limit.codes.begin(), limit.codes.end(), code);
      return ops::to_aten(quant::dequantize(limit)).clone();
    };
    const at::Tensor inside =
        own.tensor.ge(limits(0) * 0.9999).logical_and(own.tensor.le(limits(15) * 0.9999));
    const at::Tensor difference = (own.tensor.grad() - expected) * inside;
    EXPECT_EQ(difference.abs().max().item<float>(), 0.0F) << name;
    EXPECT_GT(inside.sum().item<std::int64_t>(), inside.numel() / 2);
  }
}

TEST(TrainableGraph, QuantizedEvaluationIsTheExportedNetworks) {
  for (const QuantizerMethod& method : quantizer_methods()) {
    for (const NormMode mode : kModes) {
      for (const int bits : {1, 2, 4, 8}) {
        TrainableGraph network(tiny_network(), {.norms = mode});
        const rounding::NetworkCodes codes = nearest_codes(
            network.folded_graph(), network.layers(), bits, std::max(bits, 2), images());
        network.quantize(codes, method.name);
        disturb(network);
        (void)network.forward(ops::to_aten(images()), Mode::Training);  // moves what is observed
        const Tensor got =
            ops::from_aten(network.forward(ops::to_aten(images()), Mode::Evaluation));
        const Tensor expected =
            exported_scores(network.folded_graph(), network.layers(), network.codes(), images());
        EXPECT_LE(relative_difference(got, expected), 1e-3)
            << method.name << " " << bits << " bits, norms " << static_cast<int>(mode);
      }
    }
  }
}

TEST(TrainableGraph, QuantizedZooNetworksAreExportedAsTheyAre) {
  const testing::zoo::Options small{.image_size = 32, .classes = 7, .width = 0.25};
  const graph::Graph graphs[] = {
      prepared(testing::zoo::mobilenet_v2(small)),
      prepared(testing::zoo::resnet20(testing::zoo::Shortcut::Projection)),
      prepared(testing::zoo::assorted())};
  for (const graph::Graph& graph : graphs) {
    const Tensor inputs =
        normal_inputs(graph::extents_at(*graph.value(graph.inputs()[0]).shape, 2), 3);
    for (const NormMode mode : kModes) {
      TrainableGraph network(graph, {.norms = mode});
      network.quantize(nearest_codes(network.folded_graph(), network.layers(), 4, 8, inputs),
                       "lsq");
      const Tensor got = ops::from_aten(network.forward(ops::to_aten(inputs), Mode::Evaluation));
      const Tensor expected =
          exported_scores(network.folded_graph(), network.layers(), network.codes(), inputs);
      EXPECT_LE(relative_difference(got, expected), 1e-3) << graph.name;
    }
  }
}

TEST(TrainableGraph, StartsWithTheCodesAndBiasesThatItIsGiven) {
  for (const NormMode mode : kModes) {
    TrainableGraph network(tiny_network(), {.norms = mode});
    rounding::NetworkCodes codes =
        nearest_codes(network.folded_graph(), network.layers(), 3, 4, images());
    // Not the nearest ones, as compensated rounding makes them.
    for (auto& [name, weight] : codes.weights) {
      for (std::size_t i = 0; i < weight.codes.size(); i += 5) {
        weight.codes[i] = static_cast<std::uint8_t>((weight.codes[i] + 1) % 8);
      }
    }
    codes.biases["down.bias"] = std::vector<float>(12, 0.25F);
    network.quantize(codes, "lsq");
    const rounding::NetworkCodes back = network.codes();
    for (const auto& [name, weight] : codes.weights) {
      EXPECT_EQ(back.weights.at(name).codes, weight.codes) << name;
      EXPECT_EQ(back.weights.at(name).params.zero_point, weight.params.zero_point) << name;
      for (std::size_t s = 0; s < weight.params.scale.size(); ++s) {
        // Through a folding factor and back, and short again.
        EXPECT_FLOAT_EQ(back.weights.at(name).params.scale[s], weight.params.scale[s]) << name;
      }
    }
    for (const auto& [value, params] : codes.activations) {
      EXPECT_EQ(back.activations.at(value).scale, params.scale);
      EXPECT_EQ(back.activations.at(value).zero_point, params.zero_point);
    }
    for (const float b : back.biases.at("down.bias")) EXPECT_NEAR(b, 0.25F, 1e-6F);
  }
}

TEST(TrainableGraph, TrainedNormsNormalizeByTheBatch) {
  TrainableGraph network(tiny_network(), {.norms = NormMode::Trained});
  const std::vector<Buffer> buffers = network.buffers();
  const at::Tensor before = buffers.front().tensor.clone();  // the mean after the stem
  ASSERT_EQ(buffers.front().name, "stem.norm.mean");
  const at::Tensor weight = parameter(network, "stem.weight").tensor.detach();
  const at::Tensor x = ops::to_aten(images());
  const at::Tensor z = at::conv2d(x, weight, {}, 1, 1);
  const at::Tensor mean = z.mean({0, 2, 3});
  (void)network.forward(x, Mode::Training);
  const at::Tensor moved = 0.9 * before + 0.1 * mean;
  EXPECT_LT((buffers.front().tensor - moved).abs().max().item<float>(), 1e-5F);
}

TEST(TrainableGraph, ReestimationTakesTheStatisticsOfTheBatchItself) {
  TrainableGraph network(tiny_network(), {.norms = NormMode::Trained});
  const at::Tensor x = ops::to_aten(images());
  (void)network.forward({&x, 1}, Mode::Reestimation, 1.0);
  const at::Tensor weight = parameter(network, "stem.weight").tensor.detach();
  const at::Tensor z = at::conv2d(x, weight, {}, 1, 1);
  const std::vector<Buffer> buffers = network.buffers();
  const at::Tensor variance = z.var({0, 2, 3});
  EXPECT_LT((buffers[0].tensor - z.mean({0, 2, 3})).abs().max().item<float>(), 1e-5F);
  EXPECT_LT((buffers[1].tensor - variance).abs().max().item<float>(),
            1e-4F * variance.max().item<float>());
}

TEST(TrainableGraph, FrozenNormsHaveNoState) {
  TrainableGraph network(tiny_network(), {});
  EXPECT_TRUE(network.buffers().empty());
  const at::Tensor x = ops::to_aten(images());
  EXPECT_TRUE(
      at::equal(network.forward(x, Mode::Training).detach(), network.forward(x, Mode::Evaluation)));
}

TEST(TrainableGraph, Bfloat16TrainsCloseToFloat32) {
  if (!runtime::has_native_bfloat16()) GTEST_SKIP() << "no native bfloat16";
  TrainableGraph wide(tiny_network(), {});
  TrainableGraph narrow(tiny_network(), {.precision = runtime::Precision::BFloat16});
  const at::Tensor x = ops::to_aten(images());
  const at::Tensor expected = wide.forward(x, Mode::Training);
  const at::Tensor got = narrow.forward(x, Mode::Training);
  // Five layers, each of which rounds its input, its weight and its output to 2^-8.
  const double range = (expected.max() - expected.min()).item<double>();
  EXPECT_LT((got - expected).abs().max().item<double>(), 5 * 3 * 0x1p-8 * range);
  EXPECT_TRUE(at::equal(wide.forward(x, Mode::Evaluation), narrow.forward(x, Mode::Evaluation)));
}

TEST(TrainableGraph, SaysWhatDoesNotFit) {
  TrainableGraph network(tiny_network(), {});
  EXPECT_THROW((void)network.forward(at::zeros({1, 3, 8, 8}), Mode::Training), ShapeError);
  EXPECT_THROW((void)network.forward(std::span<const at::Tensor>{}, Mode::Training), ShapeError);
  rounding::NetworkCodes codes =
      nearest_codes(network.folded_graph(), network.layers(), 4, 8, images());
  EXPECT_THROW(network.quantize(codes, "lsp"), ConfigError);
  rounding::NetworkCodes stranger = codes;
  stranger.weights["stranger"] = codes.weights.begin()->second;
  EXPECT_THROW(TrainableGraph(tiny_network()).quantize(stranger, "lsq"), ConfigError);
  rounding::NetworkCodes nowhere = codes;
  nowhere.activations[100000] = codes.activations.begin()->second;
  EXPECT_THROW(TrainableGraph(tiny_network()).quantize(nowhere, "lsq"), ConfigError);
  rounding::NetworkCodes short_bias = codes;
  short_bias.biases["down.bias"] = {1.0F};
  EXPECT_THROW(TrainableGraph(tiny_network()).quantize(short_bias, "lsq"), ShapeError);
  network.quantize(codes, "lsq");
  EXPECT_THROW(network.quantize(codes, "lsq"), ConfigError);
}

/// The network for this number of samples alone.
graph::Graph with_fixed_batch(graph::Graph graph, std::int64_t batch) {
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    auto& value = graph.mutable_value(static_cast<graph::ValueId>(i));
    if (value.shape) value.shape = graph::fixed_shape(graph::extents_at(*value.shape, batch));
  }
  return graph;
}

TEST(TrainableGraph, TakesAnyNumberOfSamplesWhereTheNetworkFixesIt) {
  const graph::Graph open = prepared(tiny_network());
  const at::Tensor inputs = ops::to_aten(images());
  for (const std::int64_t batch : {1, 4}) {  // of six samples
    TrainableGraph expected(open);
    TrainableGraph fixed(with_fixed_batch(open, batch));
    for (const Mode mode : {Mode::Evaluation, Mode::Training}) {
      const at::Tensor got = fixed.forward(inputs, mode);
      const at::Tensor wanted = expected.forward(inputs, mode);
      EXPECT_EQ(got.sizes(), wanted.sizes());
      EXPECT_LT((got - wanted).abs().max().item<double>(), 1e-5) << batch;
      if (mode == Mode::Evaluation) continue;
      got.square().sum().backward();
      wanted.square().sum().backward();
    }
    for (std::size_t p = 0; p < fixed.parameters().size(); ++p) {
      const at::Tensor& gradient = expected.parameters()[p].tensor.grad();
      const at::Tensor difference = fixed.parameters()[p].tensor.grad() - gradient;
      EXPECT_LE(difference.abs().max().item<double>(),
                1e-4 * gradient.abs().max().item<double>() + 1e-6)
          << fixed.parameters()[p].name;
    }
  }
}

/// Quantizers as for integer kernels of all values, one in two places.
TEST(TrainableGraph, LearnsScalesThatTheTargetsKernelsCanUse) {
  for (const QuantizerMethod& method : quantizer_methods()) {
    TrainableGraph network(tiny_network(), {.norms = NormMode::Trained});
    const graph::Graph& folded = network.folded_graph();
    rounding::NetworkCodes codes = nearest_codes(folded, network.layers(), 4, 8, images());
    codes.target = "onnxruntime";
    const std::vector<BitWidth> widths(network.layers().size(), BitWidth(8));
    for (const auto& [value, place] : targets::place_quantizers(
             folded, network.layers(), widths, targets::target(codes.target))) {
      codes.activations[value] = {.bits = place.bits, .scale = {0.02F}, .zero_point = {0}};
    }
    const graph::ValueId flat = network.layers().back().input;
    const graph::ValueId clipped = folded.find_value("depthwise.clip_output");
    ASSERT_TRUE(codes.activations.contains(clipped));
    ASSERT_NE(codes.activations.size(), network.layers().size());
    network.quantize(codes, method.name);
    {
      const at::NoGradGuard guard;
      for (Parameter& p : network.parameters()) {
        if (p.role == Role::Step || p.role == Role::Clip) p.tensor.mul_(9.0F);
      }
    }
    (void)network.forward(ops::to_aten(images()), Mode::Training);
    const rounding::NetworkCodes learned = network.codes();
    EXPECT_EQ(learned.target, codes.target);
    EXPECT_EQ(learned.activations.size(), codes.activations.size());
    EXPECT_LE(learned.activations.at(clipped).scale.front(), 6.0F / 255.0F) << method.name;
    const graph::ValueId pooled = folded.node(folded.producer(flat)).input(0);
    EXPECT_EQ(learned.activations.at(flat).scale, learned.activations.at(pooled).scale)
        << method.name;
  }
}

}  // namespace
}  // namespace ompq::training
