#include "ompq/sensitivity/activation_effect.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/runtime/differentiable.h"
#include "sensitivity/fixture.h"

namespace ompq::sensitivity {
namespace {

using testing::Fixture;

/// Wide enough that nothing is cut off, so that wider widths are better.
quant::QuantParams quantizer(graph::ValueId /*value*/, BitWidth width) {
  return quant::qparams_from_range(-7.5F, 8.5F, width, quant::Symmetry::Asymmetric);
}

runtime::ExecutorOptions keeping(const Fixture& fixture) {
  return {.captured = activations_of(fixture.layers())};
}

ActivationTable measure(const Fixture& fixture) {
  ActivationEffect effect(fixture.graph, fixture.layers(), fixture.widths, quantizer);
  runtime::Executor executor(fixture.graph, keeping(fixture));
  effect.add_batch(executor, fixture.slice(2, 6));
  effect.add_batch(executor, fixture.slice(0, 2));
  return effect.result();
}

/// Outputs with one value quantized, by code that shares nothing with the executor's passes.
Tensor with_quantized(const Fixture& fixture, graph::ValueId value, BitWidth width) {
  const at::NoGradGuard no_grad;
  const runtime::DifferentiableGraph network(fixture.graph);
  const graph::ValueId input = fixture.graph.inputs()[0];
  runtime::Bindings bound{{input, ops::to_aten(fixture.input[0])}};
  const std::vector<graph::ValueId> wanted{value};
  const Tensor real =
      value == input ? fixture.input[0] : ops::from_aten(network.evaluate(bound, wanted)[0]);
  const Tensor quantized = quant::fake_quantize(real, quantizer(value, width));
  bound[value] = ops::to_aten(quantized);
  return ops::from_aten(network.evaluate(bound, fixture.graph.outputs())[0]);
}

TEST(ActivationEffect, EqualsItsDefinitionThoughThePrefixIsReused) {
  const Fixture fixture(testing::residual_network());
  const ActivationTable table = measure(fixture);
  const Tensor real = testing::run(fixture.graph, fixture.input)[0];
  ASSERT_EQ(table.values.size(), 4U);
  ASSERT_TRUE(table.kl);
  for (std::size_t i = 0; i < table.values.size(); ++i) {
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      const Tensor quantized = with_quantized(fixture, table.values[i], fixture.widths[w]);
      // A value within float32 rounding of the middle between two codes may go either way.
      const double mse = testing::relative_error({quantized}, {real});
      EXPECT_NEAR(table.mse.at(i, w), mse, 1e-2 * mse + 1e-9) << i << " " << w;
      const double kl = testing::mean_divergence(real, quantized);
      EXPECT_NEAR(table.kl->at(i, w), kl, 1e-2 * kl + 1e-9) << i << " " << w;
    }
  }
}

TEST(ActivationEffect, OfAnImageHasNoDivergence) {
  const ActivationTable table = measure(Fixture(testing::image_network()));
  EXPECT_FALSE(table.kl);
  EXPECT_GT(table.mse.at(0, 0), 0);
}

TEST(ActivationEffect, RunsBehindEachValueAloneWhatItChanges) {
  const Fixture fixture(testing::smooth_network());
  ActivationEffect effect(fixture.graph, fixture.layers(), fixture.widths, quantizer);
  runtime::ExecutorOptions options = keeping(fixture);
  options.profile = true;
  runtime::Executor executor(fixture.graph, options);
  effect.add_batch(executor, fixture.input);
  std::map<std::string, std::int64_t> counted;
  for (const auto& row : executor.profile()) counted[row.name] = row.calls;
  const auto widths = static_cast<std::int64_t>(fixture.widths.size());
  EXPECT_EQ(counted.at("conv"), 1 + 1 + widths * 1);
  EXPECT_EQ(counted.at("hidden"), 1 + 1 + widths * 2);
  EXPECT_EQ(counted.at("fc"), 1 + 0 + widths * 3);
}

TEST(ActivationEffect, LeavesTheExecutorAsItWas) {
  const Fixture fixture(testing::residual_network());
  ActivationEffect effect(fixture.graph, fixture.layers(), fixture.widths, quantizer);
  runtime::Executor executor(fixture.graph, keeping(fixture));
  const auto before = executor.run(fixture.input);
  effect.add_batch(executor, fixture.input);
  EXPECT_TRUE(executor.run(fixture.input)[0].equals(before[0]));
}

TEST(ActivationEffect, WantsSamplesAndWidths) {
  const Fixture fixture(testing::residual_network());
  const ActivationEffect effect(fixture.graph, fixture.layers(), fixture.widths, quantizer);
  EXPECT_THROW((void)effect.result(), DataError);
  EXPECT_THROW(ActivationEffect(fixture.graph, fixture.layers(), {}, quantizer), ConfigError);
}

}  // namespace
}  // namespace ompq::sensitivity
