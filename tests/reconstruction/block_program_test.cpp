#include "ompq/reconstruction/block_program.h"

#include <array>
#include <cmath>
#include <numeric>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <dnnl.hpp>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/quant/grid.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/runtime/backward_scope.h"
#include "ompq/runtime/differentiable.h"
#include "reconstruction/block_cases.h"

namespace ompq::reconstruction {
namespace {

using cases::BlockCase;
using cases::test_network;
using cases::TestNetwork;
using graph::ValueId;

constexpr std::int64_t kBatch = 8;

/// A whole small network as one block, with caches of its input and of a target.
struct Block {
  TestNetwork network;
  rounding::CacheMemory memory{1 << 24};
  std::shared_ptr<rounding::SampleCache> inputs;
  std::shared_ptr<rounding::SampleCache> targets;
  rounding::PartGraph part;
  LearnedParts learned;
  std::vector<std::int64_t> rows;

  Block(graph::Graph graph, int activation_bits, std::uint64_t seed = 21)
      : network(test_network(std::move(graph), 4, activation_bits, kBatch)) {
    const graph::Graph& g = network.graph;
    const ValueId input = g.inputs().front();
    const ValueId output = g.outputs().front();
    inputs = std::make_shared<rounding::SampleCache>(
        kBatch, rounding::elements_per_sample(g, input), memory);
    targets = std::make_shared<rounding::SampleCache>(
        kBatch, rounding::elements_per_sample(g, output), memory);
    const Tensor x = ompq::testing::normal_samples({kBatch, inputs->cols()}, seed);
    inputs->write(0, {x.bytes().data(), DataType::Float32, kBatch, inputs->cols(), inputs->cols()});
    const Tensor t = ompq::testing::normal_samples({kBatch, targets->cols()}, 22);
    targets->write(0,
                   {t.bytes().data(), DataType::Float32, kBatch, targets->cols(), targets->cols()});
    std::vector<graph::NodeId> nodes(g.nodes().size());
    std::iota(nodes.begin(), nodes.end(), 0);
    part = rounding::extract_part(g, nodes, g.inputs(), {&output, 1});
    for (const auto& layer : network.parts.layers) {
      learned.weights.insert(part.own.at(layer.weight));
    }
    for (const auto& [value, params] : network.initial.activations) {
      learned.quantizers.emplace(part.own.at(value), params);
      learned.steps.insert(part.own.at(value));
    }
    rows.resize(kBatch);
    std::iota(rows.begin(), rows.end(), 0);
  }

  StepData data() const { return {.inputs = inputs.get(), .targets = targets.get()}; }

  /// The values inside the block that depend on its samples.
  std::vector<ValueId> inner_values() const {
    std::vector<ValueId> values;
    for (const auto& node : part.graph.nodes()) {
      for (const ValueId value : node.outputs) {
        if (!part.graph.is_output(value) && part.graph.value(value).type == DataType::Float32 &&
            rounding::has_samples_first(part.graph, value)) {
          values.push_back(value);
        }
      }
    }
    return values;
  }

  /// The cached rows as the graph's input or output, from H, W, C.
  at::Tensor tensor(const rounding::SampleCache& cache, ValueId own) const {
    auto extents = graph::extents_at(*part.graph.value(own).shape, kBatch);
    at::Tensor values = at::empty({kBatch, cache.cols()});
    for (std::int64_t r = 0; r < kBatch; ++r) {
      cache.read(
          r, {values.data_ptr<float>() + r * cache.cols(), static_cast<std::size_t>(cache.cols())});
    }
    if (extents.size() != 4) return values.reshape(extents);
    return values.reshape({extents[0], extents[2], extents[3], extents[1]}).permute({0, 3, 1, 2});
  }
};

/// Loss and gradients of the same block by LibTorch's own gradients, quantizers put between nodes.
struct Reference {
  double loss = 0.0;
  std::map<ValueId, at::Tensor> weights;
  std::map<ValueId, at::Tensor> steps;
};

/// LibTorch by its own kernels: oneDNN, which ours are made of, gives both the same mistakes.
class WithoutOneDnn {
 public:
  WithoutOneDnn() { at::globalContext().setUserEnabledMkldnn(false); }
  ~WithoutOneDnn() { at::globalContext().setUserEnabledMkldnn(true); }
  WithoutOneDnn(const WithoutOneDnn&) = delete;
  WithoutOneDnn& operator=(const WithoutOneDnn&) = delete;
};

/// Learned step quantization operator by operator, straight through the rounding.
at::Tensor quantized_by_libtorch(const at::Tensor& x,
                                 const at::Tensor& step,
                                 const quant::Grid& grid) {
  const at::Tensor ratio = at::clamp(x / step, grid.low, grid.high);
  return ((at::round(ratio) - ratio).detach() + ratio) * step;
}

/// @param features  targets of values inside the block.
Reference reference_of(const Block& block,
                       double factor,
                       const std::map<ValueId, FeatureTarget>& features = {}) {
  const WithoutOneDnn independent;
  const graph::Graph& g = block.part.graph;
  const at::AutoGradMode recording(true);
  Reference reference;
  runtime::Bindings bound;
  for (const ValueId weight : block.learned.weights) {
    reference.weights[weight] =
        ops::to_aten(*g.value(weight).constant).clone().requires_grad_(true);
    bound[weight] = reference.weights[weight];
  }
  const runtime::DifferentiableGraph network(g);
  // Values in the order of the nodes, so that a quantizer's input sees the quantizers before it.
  std::vector<ValueId> cuts{g.inputs().front()};
  for (const auto& node : g.nodes())
    cuts.insert(cuts.end(), node.outputs.begin(), node.outputs.end());
  at::Tensor loss_of_features = at::zeros({});
  const auto add_feature = [&](ValueId value, const at::Tensor& x) {
    const auto found = features.find(value);
    if (found == features.end()) return;
    const at::Tensor target = block.tensor(*found->second.targets, value);
    loss_of_features = loss_of_features + (x - target).square().sum() * found->second.factor;
  };
  for (const ValueId value : cuts) {
    const bool is_input = value == g.inputs().front();
    const auto found = block.learned.quantizers.find(value);
    const bool plain = found == block.learned.quantizers.end() || g.is_output(value);
    if (!is_input && plain) {
      if (features.contains(value)) {
        add_feature(value, network.evaluate(bound, {&value, 1}).front());
      }
      continue;
    }
    at::Tensor x = is_input ? block.tensor(*block.inputs, value)
                            : network.evaluate(bound, {&value, 1}).front();
    if (found != block.learned.quantizers.end()) {
      const auto& params = found->second;
      reference.steps[value] = at::full({1}, params.scale.front()).requires_grad_(true);
      x = quantized_by_libtorch(x, reference.steps[value], quant::grid_of(params));
    }
    add_feature(value, x);
    bound[value] = x;
  }
  const ValueId output = g.outputs().front();
  const at::Tensor made = network.evaluate(bound, {&output, 1}).front();
  const at::Tensor loss = (made - block.tensor(*block.targets, output)).square().sum() * factor;
  const runtime::BackwardScope backward;
  (loss + loss_of_features).backward();
  reference.loss = loss.item<double>();
  return reference;
}

double relative_difference(const at::Tensor& got, const at::Tensor& expected) {
  return ((got - expected).norm() / (expected.norm() + 1e-12)).item<double>();
}

at::Tensor as_tensor(std::span<const float> values, const at::Tensor& like) {
  return at::from_blob(const_cast<float*>(values.data()), like.sizes(), at::kFloat).clone();
}

class BlockProgramTest : public ::testing::TestWithParam<BlockCase> {};

TEST_P(BlockProgramTest, FloatGradientsEqualLibTorchs) {
  const Block block(GetParam().make(), 0);
  BlockProgram program(block.part.graph,
                       block.learned,
                       {.precision = runtime::Precision::Float32, .threads = 2, .batch = kBatch});
  const double loss = program.step(block.data(), block.rows, 1, 0.01);
  const Reference reference = reference_of(block, 0.01);
  // Sums of up to 10^4 float32 products in another order: some 2^-24 sqrt(10^4) each.
  EXPECT_NEAR(loss, reference.loss, 1e-5 * reference.loss);
  for (const auto& [weight, leaf] : reference.weights) {
    const at::Tensor got = as_tensor(program.weight_gradient(weight), leaf);
    EXPECT_LT(relative_difference(got, leaf.grad()), 1e-4) << block.part.graph.value(weight).name;
  }
}

TEST_P(BlockProgramTest, QuantizedGradientsEqualLibTorchs) {
  const Block block(GetParam().make(), 8);
  BlockProgram program(block.part.graph,
                       block.learned,
                       {.precision = runtime::Precision::Float32, .threads = 2, .batch = kBatch});
  const double loss = program.step(block.data(), block.rows, 1, 0.01);
  const Reference reference = reference_of(block, 0.01);
  // A value on a rounding boundary may fall to the other side: a step of 1/255 of the range in one
  // of some thousand.
  EXPECT_NEAR(loss, reference.loss, 1e-3 * reference.loss);
  for (const auto& [weight, leaf] : reference.weights) {
    const at::Tensor got = as_tensor(program.weight_gradient(weight), leaf);
    EXPECT_LT(relative_difference(got, leaf.grad()), 1e-2) << block.part.graph.value(weight).name;
  }
  for (const auto& [value, leaf] : reference.steps) {
    const double expected = leaf.grad().item<double>();
    EXPECT_NEAR(program.step_gradient(value), expected, 2e-2 * std::abs(expected) + 1e-2)
        << block.part.graph.value(value).name;
  }
}

TEST_P(BlockProgramTest, GradientsOfFeaturesEqualLibTorchs) {
  Block block(GetParam().make(), 8);
  const std::vector<ValueId> features = block.inner_values();
  std::vector<std::unique_ptr<rounding::SampleCache>> caches;
  std::map<ValueId, FeatureTarget> targets;
  StepData data = block.data();
  for (const ValueId value : features) {
    const std::int64_t cols = rounding::elements_per_sample(block.part.graph, value);
    const Tensor t = ompq::testing::normal_samples({kBatch, cols}, 31 + caches.size());
    caches.push_back(std::make_unique<rounding::SampleCache>(kBatch, cols, block.memory));
    caches.back()->write(0, {t.bytes().data(), DataType::Float32, kBatch, cols, cols});
    targets[value] = {.targets = caches.back().get(), .factor = 0.01};
    data.features.push_back(targets[value]);
  }
  BlockProgram program(block.part.graph,
                       block.learned,
                       {.precision = runtime::Precision::Float32,
                        .threads = 2,
                        .batch = kBatch,
                        .features = features});
  const double loss = program.step(data, block.rows, 1, 0.01);
  const Reference reference = reference_of(block, 0.01, targets);
  EXPECT_NEAR(loss, reference.loss, 1e-3 * reference.loss) << "features are not part of the loss";
  for (const auto& [weight, leaf] : reference.weights) {
    const at::Tensor got = as_tensor(program.weight_gradient(weight), leaf);
    EXPECT_LT(relative_difference(got, leaf.grad()), 1e-2) << block.part.graph.value(weight).name;
  }
  for (const auto& [value, leaf] : reference.steps) {
    const double expected = leaf.grad().item<double>();
    EXPECT_NEAR(program.step_gradient(value), expected, 2e-2 * std::abs(expected) + 1e-2)
        << block.part.graph.value(value).name;
  }
}

TEST_P(BlockProgramTest, WeightGradientEqualsCentralDifferences) {
  const Block block(GetParam().make(), 0);
  BlockProgram program(block.part.graph,
                       block.learned,
                       {.precision = runtime::Precision::Float32, .threads = 1, .batch = kBatch});
  const auto loss_at = [&] {
    program.weights_changed();
    return program.step(block.data(), block.rows, 1, 1e-3);
  };
  const ValueId last = block.part.own.at(block.network.parts.layers.back().weight);
  const double loss = loss_at();
  const auto gradient = program.weight_gradient(last);
  const std::vector<float> expected(gradient.begin(), gradient.end());
  for (std::size_t i = 0; i < expected.size(); i += expected.size() / 5 + 1) {
    constexpr float kStep = 0.0625F;
    const float weight = program.weights(last)[i];
    program.weights(last)[i] = weight + kStep;
    const double up = loss_at();
    program.weights(last)[i] = weight - kStep;
    const double down = loss_at();
    program.weights(last)[i] = weight;
    // The loss is quadratic in the last layer's weights (an activation after them apart), so the
    // difference is exact up to the losses' own rounding and to what crosses the activation's kink.
    EXPECT_NEAR((up - down) / (2 * kStep), expected[i], 0.02 * std::abs(expected[i]) + 2e-3 * loss)
        << i;
  }
}

TEST_P(BlockProgramTest, Bfloat16ComesCloseToFloat) {
  if (dnnl::get_effective_cpu_isa() < dnnl::cpu_isa::avx512_core) GTEST_SKIP() << "no AVX-512";
  // With 8-bit activations, a level is hardly more than bfloat16's error, and codes would differ.
  // With 4 bits a few do, by chance, so losses and gradients are summed over several batches.
  constexpr std::uint64_t kBatches = 16;
  std::array<double, 2> losses{};
  std::array<at::Tensor, 2> gradients{};
  for (std::uint64_t i = 0; i < kBatches; ++i) {
    const Block block(GetParam().make(), 4, 100 + i);
    for (const std::size_t k : {0, 1}) {
      const auto precision = k == 0 ? runtime::Precision::Float32 : runtime::Precision::BFloat16;
      BlockProgram program(
          block.part.graph, block.learned, {.precision = precision, .threads = 2, .batch = kBatch});
      losses[k] += program.step(block.data(), block.rows, 1, 0.01);
      const auto gradient = program.weight_gradient(*block.learned.weights.begin());
      const std::vector<float> numbers(gradient.begin(), gradient.end());
      const at::Tensor tensor = at::tensor(numbers);
      gradients[k] = i == 0 ? tensor : gradients[k] + tensor;
    }
  }
  // Each value errs by 2^-9; so do weights.
  EXPECT_NEAR(losses[1], losses[0], 0.005 * losses[0]);
  EXPECT_LT(relative_difference(gradients[1], gradients[0]), 0.1);
}

TEST_P(BlockProgramTest, DoesNotDependOnTheNumberOfThreads) {
  const Block block(GetParam().make(), 4);
  const auto run = [&](int threads) {
    BlockProgram program(block.part.graph,
                         block.learned,
                         {.precision = runtime::Precision::Float32,
                          .threads = threads,
                          .batch = kBatch,
                          .drop_probability = 0.5});
    (void)program.step(block.data(), block.rows, 9, 0.01);
    const auto gradient = program.weight_gradient(*block.learned.weights.begin());
    return at::tensor(std::vector<float>(gradient.begin(), gradient.end()));
  };
  // The same drops, summed in another order.
  EXPECT_LT(relative_difference(run(1), run(2)), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Blocks,
                         BlockProgramTest,
                         ::testing::ValuesIn(cases::block_cases()),
                         [](const auto& tested) { return tested.param.name; });

TEST(BlockProgram, RoundsBiasesAsTheyWillBeRounded) {
  Block block(cases::block_cases()[4].make(), 8);  // two Gemm
  const auto& layer = block.network.parts.layers.front();
  const ValueId weight = block.part.own.at(layer.weight);
  const auto& codes =
      block.network.initial.weights.at(block.network.graph.value(layer.weight).name);
  const auto run = [&](bool scales) {
    BlockProgram program(block.part.graph,
                         block.learned,
                         {.precision = runtime::Precision::Float32, .batch = kBatch});
    std::vector<float> coarse = codes.params.scale;
    for (float& scale : coarse) scale = 64.0F;  // so coarse that every bias becomes zero
    if (scales) program.set_weight_scales(weight, coarse);
    program.weights_changed();
    return program.step(block.data(), block.rows, 1, 0.01);
  };
  // The block's target is its float output, with biases.
  EXPECT_GT(run(true), run(false));
}

TEST(BlockProgram, RefusesWhatItDoesNotHold) {
  const Block block(cases::block_cases()[0].make(), 8);
  BlockProgram program(block.part.graph, block.learned, {.threads = 1, .batch = kBatch});
  EXPECT_THROW((void)program.weights(999), ConfigError);
  EXPECT_THROW(program.set_step(999, 1.0F), ConfigError);
}

}  // namespace
}  // namespace ompq::reconstruction
