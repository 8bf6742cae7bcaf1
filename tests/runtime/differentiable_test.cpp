#include "ompq/runtime/differentiable.h"

#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/backward_scope.h"
#include "runtime/run_helpers.h"
#include "support/graph_builder.h"

namespace ompq {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using runtime::Bindings;
using runtime::DifferentiableGraph;
using testing::GraphBuilder;

/// A residual block after a stem, batch norms folded, every layer fused.
Graph fused_block() {
  GraphBuilder builder("block", 1, 14);
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(6), Dim::fixed(6)});
  const ValueId stem = builder.unary(
      "HardSwish", "act0", builder.conv("stem", x, {.out = 4, .kernel = 3, .bias = true}));
  const ValueId a =
      builder.unary("Sigmoid", "act1", builder.conv("a", stem, {.out = 4, .kernel = 3}));
  const ValueId b = builder.conv("b", a, {.out = 4, .kernel = 3, .groups = 4});
  const ValueId sum = builder.unary("Tanh", "act2", builder.add("add", b, stem));
  const ValueId flat = builder.flatten("flat", builder.global_average_pool("pool", sum));
  Graph graph = builder.finish({builder.gemm("fc", flat, 5)});
  graph::fuse(graph);
  return graph;
}

TEST(DifferentiableGraph, GradientsEqualFiniteDifferences) {
  const Graph graph = fused_block();
  const DifferentiableGraph network(graph);
  const at::Tensor x = ops::to_aten(testing::normal_inputs(graph, 2)[0]).to(at::kDouble);
  // In float64, a step of 1e-5 leaves differences exact to about 1e-9.
  constexpr double kStep = 1e-5;
  for (const char* name : {"stem.weight", "stem.bias", "a.weight", "b.weight", "fc.weight"}) {
    SCOPED_TRACE(name);
    const ValueId id = graph.find_value(name);
    Bindings bound{{graph.inputs()[0], x}};
    const at::Tensor start = ops::to_aten(*graph.value(id).constant).to(at::kDouble);
    const auto loss = [&](const at::Tensor& weight) {
      bound[id] = weight;
      return network.evaluate(bound, graph.outputs())[0].square().sum();
    };
    const at::Tensor weight = start.clone().set_requires_grad(true);
    {
      const runtime::BackwardScope backward;
      loss(weight).backward();
    }
    const at::NoGradGuard no_grad;
    for (std::int64_t i = 0; i < start.numel(); i += 7) {
      const auto shifted = [&](double by) {
        at::Tensor moved = start.clone();
        moved.view(-1)[i] += by;
        return loss(moved).item<double>();
      };
      const double expected = (shifted(kStep) - shifted(-kStep)) / (2 * kStep);
      EXPECT_NEAR(weight.grad().view(-1)[i].item<double>(), expected, 1e-6 + 1e-5 * abs(expected))
          << "element " << i;
    }
  }
}

TEST(DifferentiableGraph, RunsTheNodesBehindABoundValueAlone) {
  const Graph graph = fused_block();
  const DifferentiableGraph network(graph);
  const at::NoGradGuard no_grad;
  const at::Tensor x = ops::to_aten(testing::normal_inputs(graph, 2)[0]);
  const ValueId inner = graph.node(0).outputs[0];
  const Bindings whole{{graph.inputs()[0], x}};
  const std::vector<ValueId> wanted{inner, graph.outputs()[0]};
  const auto expected = network.evaluate(whole, wanted);
  // The network's input is not bound: nothing in front of `inner` can have run.
  const auto got = network.evaluate({{inner, expected[0]}}, graph.outputs());
  EXPECT_TRUE(got[0].equal(expected[1]));
}

TEST(DifferentiableGraph, NamesAnInputThatIsMissing) {
  const Graph graph = fused_block();
  const DifferentiableGraph network(graph);
  try {
    (void)network.evaluate({}, graph.outputs());
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'x' is needed, but no tensor is bound to it"));
  }
}

}  // namespace
}  // namespace ompq
