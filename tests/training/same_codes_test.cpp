#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/quant/fake_quantize.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/reconstruction/block_kernels.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/runtime/executor.h"
#include "ompq/training/kernels.h"
#include "ompq/training/quantizers.h"
#include "support/graph_builder.h"

// The executor, differentiable runs, block programs and trainable networks quantize alike: the same
// numbers exactly, ties, infinities and NaN included.

namespace ompq::training {
namespace {

using graph::Dim;
using testing::GraphBuilder;

constexpr float kShortScale = 0.21875F;  ///< 28/128: products with levels, and ties, are exact
constexpr float kInfinite = std::numeric_limits<float>::infinity();

quant::QuantParams one_scale(int bits, quant::Symmetry symmetry, float scale, int zero_point) {
  return {
      .bits = BitWidth(bits), .symmetry = symmetry, .scale = {scale}, .zero_point = {zero_point}};
}

/// Every width with the zero point at both ends and between, at a short scale, whose ties are
/// exact, and at others; one symmetric bit, whose levels are halves.
std::vector<quant::QuantParams> all_params() {
  std::vector<quant::QuantParams> all;
  for (int bits = 1; bits <= 8; ++bits) {
    const int levels = BitWidth(bits).levels();
    for (const float scale : {kShortScale, 0.0371F, 3.1e-5F}) {
      for (const int zero_point : {0, levels / 2, levels - 1}) {
        all.push_back(one_scale(bits, quant::Symmetry::Asymmetric, scale, zero_point));
      }
      all.push_back(one_scale(bits, quant::Symmetry::Symmetric, scale, levels / 2));
    }
  }
  return all;
}

/// Levels, ties between them and what lies next to these, zeros and, if asked for, no numbers.
Tensor telling_inputs(const quant::Grid& grid, bool finite = false) {
  std::vector<float> x{0.0F, -0.0F, 1e-45F, -1e-45F, 1e38F, -1e38F};
  if (!finite) x.insert(x.end(), {kInfinite, -kInfinite, std::nanf("")});
  for (float half = 2 * grid.low - 3; half <= 2 * grid.high + 3; ++half) {
    const float middle = 0.5F * half * grid.scale;
    x.insert(x.end(),
             {middle, std::nextafter(middle, kInfinite), std::nextafter(middle, -kInfinite)});
  }
  Random random(3);
  for (int i = 0; i < 100; ++i) {
    x.push_back(static_cast<float>(random.normal()) * grid.scale * (grid.high + 2));
  }
  return Tensor::from<float>({1, static_cast<std::int64_t>(x.size())}, x);
}

/// x -> FakeQuantize, as graph::fuse makes it of QuantizeLinear -> DequantizeLinear.
graph::Graph quantizer_network(const quant::QuantParams& params,
                               std::vector<std::int64_t> extents) {
  GraphBuilder builder("quantizer");
  graph::Shape shape;
  for (const std::int64_t extent : extents) shape.push_back(Dim::fixed(extent));
  const auto slices = static_cast<std::int64_t>(params.scale.size());
  const std::vector<std::int64_t> row =
      params.granularity.per_axis ? std::vector{slices} : std::vector<std::int64_t>{};
  const std::vector<std::uint8_t> zeros(params.zero_point.begin(), params.zero_point.end());
  const auto x = builder.input("x", shape);
  const auto y =
      builder.op({.name = "quantizer",
                  .op_type = "FakeQuantize",
                  .domain = "ompq",
                  .inputs = {x,
                             builder.constant("scale", Tensor::from<float>(row, params.scale)),
                             builder.constant("zero", Tensor::from<std::uint8_t>(row, zeros))},
                  .attributes = {{"axis", params.granularity.axis},
                                 {"quant_min", std::int64_t{0}},
                                 {"quant_max", std::int64_t{params.bits.levels() - 1}}}},
                 shape);
  return builder.finish({y});
}

Tensor by_executor(const Tensor& x, const quant::QuantParams& params) {
  runtime::Executor executor(quantizer_network(params, x.shape()), {.threads = 2});
  return executor.run({&x, 1}).front();
}

Tensor by_executor_state(const Tensor& x, const quant::QuantParams& params) {
  GraphBuilder builder("value");
  const auto input = builder.input("x", {Dim::fixed(1), Dim::fixed(x.elements())});
  const auto y = builder.unary("Identity", "y", input);
  runtime::Executor executor(builder.finish({y}), {.threads = 2, .fuse = false});
  auto state = executor.start({&x, 1});
  executor.fake_quantize(state, input, params);
  return executor.value(state, input);
}

Tensor by_gradients(const Tensor& x, const quant::QuantParams& params) {
  const at::AutoGradMode recording(true);
  const runtime::DifferentiableGraph network(quantizer_network(params, x.shape()));
  const auto& graph = network.graph();
  const runtime::Bindings bound{
      {graph.inputs().front(), ops::to_aten(x).clone().requires_grad_(true)}};
  return ops::from_aten(network.evaluate(bound, graph.outputs()).front().detach());
}

template <typename Pass>
Tensor by_pass(const Tensor& x, const Pass& pass) {
  Tensor y(DataType::Float32, x.shape());
  pass(x.data<float>().data(), y.mutable_data<float>().data(), x.elements());
  return y;
}

Tensor by_block(const Tensor& x, const quant::QuantParams& params) {
  return by_pass(x, [&](const float* from, float* to, std::int64_t count) {
    reconstruction::fake_quantize(Element::Float32, from, to, count, quant::grid_of(params), {});
  });
}

Tensor by_training(const Tensor& x, const quant::QuantParams& params) {
  return by_pass(x, [&](const float* from, float* to, std::int64_t count) {
    epilogue_forward(
        {.count = count}, {.quantized = true, .grid = quant::grid_of(params)}, from, to);
  });
}

WeightQuantizer weight_quantizer(const quant::QuantParams& params) {
  WeightQuantizer quantizer{.method = &find_quantizer_method("lsq"),
                            .name = "w",
                            .bits = params.bits,
                            .symmetry = params.symmetry,
                            .granularity = params.granularity};
  for (std::size_t s = 0; s < params.scale.size(); ++s) {
    quantizer.low.push_back(quant::grid_of(params, s).low);
    quantizer.high.push_back(quant::grid_of(params, s).high);
  }
  return quantizer;
}

Tensor by_trained_weight(const Tensor& x, const quant::QuantParams& params) {
  return ops::from_aten(quantized_weight(
      weight_quantizer(params), ops::to_aten(x), {.own = params.scale, .folded = params.scale}));
}

void expect_same(const Tensor& got,
                 const Tensor& expected,
                 const Tensor& x,
                 const quant::QuantParams& params,
                 const std::string& engine) {
  ASSERT_EQ(got.shape(), expected.shape()) << engine;
  for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
    const float a = got.data<float>()[i];
    const float b = expected.data<float>()[i];
    const bool same = (std::isnan(a) && std::isnan(b)) || a == b;
    ASSERT_TRUE(same) << engine << ": " << x.data<float>()[i] << " becomes " << a << ", not " << b
                      << ", at " << params.bits.value() << " bits, scale " << params.scale[0]
                      << ", zero point " << params.zero_point[0];
  }
}

using Engine = std::function<Tensor(const Tensor& x, const quant::QuantParams& params)>;
const std::pair<const char*, Engine> kEverywhere[] = {
    {"executor, between nodes", by_executor_state},
    {"block program", by_block},
    {"trained activation", by_training},
    {"trained weight", by_trained_weight}};
/// As a node of a network: whole levels alone.
const std::pair<const char*, Engine> kNodes[] = {{"executor", by_executor},
                                                 {"differentiable run", by_gradients}};

TEST(SameCodes, InEveryEngineAtEveryWidth) {
  for (const quant::QuantParams& params : all_params()) {
    const quant::Grid grid = quant::grid_of(params);
    const Tensor x = telling_inputs(grid);
    const Tensor expected = by_pass(x, [&](const float* from, float* to, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) to[i] = quant::fake_quantized(from[i], grid);
    });
    for (const auto& [name, engine] : kEverywhere) {
      expect_same(engine(x, params), expected, x, params, name);
    }
    if (grid.shift != 0.0F) continue;
    for (const auto& [name, engine] : kNodes) {
      expect_same(engine(x, params), expected, x, params, name);
    }
  }
}

TEST(SameCodes, AsTheCodesThatAreWritten) {
  for (const quant::QuantParams& params : all_params()) {
    const Tensor x = telling_inputs(quant::grid_of(params), /*finite=*/true);
    const Tensor written = quant::dequantize(quant::quantize(x, params));
    expect_same(by_block(x, params), written, x, params, "block program");
    if (params.scale.front() != kShortScale) continue;
    WeightQuantizer quantizer = weight_quantizer(params);
    quantizer.learned = at::full({1}, kShortScale);
    const quant::QuantizedTensor trained = codes_of(quantizer, ops::to_aten(x), {});
    EXPECT_EQ(trained.params.scale.front(), kShortScale);
    EXPECT_EQ(trained.codes, quant::quantize(x, params).codes) << params.bits.value();
  }
}

TEST(SameCodes, WithAScaleOfZero) {
  const quant::QuantParams params = one_scale(4, quant::Symmetry::Asymmetric, 0.0F, 7);
  const Tensor x = Tensor::from<float>({1, 5}, std::vector{0.0F, 1.0F, -1.0F, kInfinite, -0.0F});
  const Tensor expected = by_pass(x, [&](const float* from, float* to, std::int64_t count) {
    const auto size = static_cast<std::size_t>(count);
    quant::fake_quantize({from, size}, {to, size}, quant::grid_of(params));
  });
  for (const auto& [name, engine] : kEverywhere) {
    expect_same(engine(x, params), expected, x, params, name);
  }
  for (const auto& [name, engine] : kNodes) {
    expect_same(engine(x, params), expected, x, params, name);
  }
}

TEST(SameCodes, AlongEveryAxis) {
  const std::vector<std::int64_t> extents{3, 4, 5};
  Tensor x(DataType::Float32, extents);
  Random random(11);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    quant::QuantParams params{.bits = BitWidth(4), .granularity = quant::Granularity::along(axis)};
    for (std::int64_t s = 0; s < extents[static_cast<std::size_t>(axis)]; ++s) {
      params.scale.push_back(0.125F + 0.03125F * static_cast<float>(s));
      params.zero_point.push_back(static_cast<std::int32_t>(3 * s));
    }
    const Tensor expected = quant::fake_quantize(x, params);
    for (const auto& [name, engine] : kNodes) {
      expect_same(engine(x, params), expected, x, params, name);
    }
    expect_same(by_trained_weight(x, params), expected, x, params, "trained weight");
  }
}

TEST(SameCodes, InNarrowElements) {
  const quant::Grid grid{kShortScale, -8.0F, 7.0F};
  const at::Tensor x = ops::to_aten(telling_inputs(grid, /*finite=*/true)).to(at::kBFloat16);
  at::Tensor block = at::empty_like(x);
  at::Tensor trained = at::empty_like(x);
  reconstruction::fake_quantize(
      Element::BFloat16, x.data_ptr(), block.data_ptr(), x.numel(), grid, {});
  epilogue_forward({.type = Element::BFloat16, .count = x.numel()},
                   {.quantized = true, .grid = grid},
                   x.data_ptr(),
                   trained.data_ptr());
  EXPECT_TRUE(at::equal(block, trained));
}

/// Gradients by x and by the scale, summed.
struct Gradients {
  std::vector<float> by_x;
  double by_scale = 0.0;
};

TEST(SameGradients, InBlocksTrainingAndDifferentiableRuns) {
  const quant::QuantParams params = one_scale(4, quant::Symmetry::Asymmetric, kShortScale, 6);
  const quant::Grid grid = quant::grid_of(params);
  const Tensor x = telling_inputs(grid, /*finite=*/true);
  Gradients expected;
  for (const float value : x.data<float>()) {
    const auto slope = quant::fake_quantize_slope(value, grid);
    expected.by_x.push_back(slope.passes);
    expected.by_scale += slope.by_scale;
  }
  // Sums of some hundred numbers up to 9 in float32.
  const double bound = 300 * 9 * 0x1p-22;

  std::vector<float> block(expected.by_x.size(), 1.0F);
  EXPECT_NEAR(
      reconstruction::fake_quantize_backward(
          Element::Float32, x.data<float>().data(), block.data(), x.elements(), grid, {}, {}),
      expected.by_scale,
      bound);
  EXPECT_EQ(block, expected.by_x);

  std::vector<float> trained(expected.by_x.size(), 1.0F);
  const EpilogueGradients made = epilogue_backward({.count = x.elements()},
                                                   {.quantized = true, .grid = grid},
                                                   x.data<float>().data(),
                                                   trained.data(),
                                                   trained.data());
  EXPECT_NEAR(made.step_gradient, expected.by_scale, bound);
  EXPECT_EQ(trained, expected.by_x);

  const at::AutoGradMode recording(true);
  const runtime::DifferentiableGraph network(quantizer_network(params, x.shape()));
  const at::Tensor leaf = ops::to_aten(x).clone().requires_grad_(true);
  const at::Tensor scale = at::scalar_tensor(params.scale.front()).requires_grad_(true);
  const graph::ValueId scale_id = network.graph().find_value("scale");
  const runtime::Bindings bound_values{{network.graph().inputs().front(), leaf}, {scale_id, scale}};
  network.evaluate(bound_values, network.graph().outputs()).front().sum().backward();
  EXPECT_NEAR(scale.grad().item<double>(), expected.by_scale, bound);
  const at::Tensor by_x = leaf.grad().contiguous();
  EXPECT_EQ(std::vector<float>(by_x.data_ptr<float>(), by_x.data_ptr<float>() + by_x.numel()),
            expected.by_x);
}

}  // namespace
}  // namespace ompq::training
