#include "sensitivity/gradient_cases.h"

#include <functional>

#include <gtest/gtest.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/runtime/executor.h"
#include "ompq/sensitivity/measurement.h"

namespace ompq::testing {

using sensitivity::LossTable;
using sensitivity::Measurement;

namespace {

constexpr double kErrors = 6;

/// A tensor to differentiate, and the factor of its squared gradient.
struct Term {
  at::Tensor value;
  double factor;
};

/// Sums of factor * squared gradient per layer, over the samples and the terms that `terms` makes
/// of each sample's outputs.
std::vector<at::Tensor> summed_squares(
    const Fixture& fixture, const std::function<std::vector<Term>(const at::Tensor&)>& terms) {
  const auto leaves = weights_of(fixture, true);
  std::vector<at::Tensor> sums;
  for (const at::Tensor& leaf : leaves) sums.push_back(at::zeros_like(leaf.detach()));
  for (std::int64_t s = 0; s < fixture.input.front().shape().front(); ++s) {
    const std::size_t count = terms(float64_outputs(fixture, leaves, s, s + 1)).size();
    for (std::size_t t = 0; t < count; ++t) {
      const Term term = terms(float64_outputs(fixture, leaves, s, s + 1))[t];
      term.value.backward();
      for (std::size_t l = 0; l < leaves.size(); ++l) {
        sums[l] += term.factor * leaves[l].grad().square();
        leaves[l].mutable_grad() = at::Tensor();
      }
    }
  }
  return sums;
}

}  // namespace

at::Tensor float64_outputs(const Fixture& fixture,
                           const std::vector<at::Tensor>& weights,
                           std::int64_t begin,
                           std::int64_t end) {
  const runtime::DifferentiableGraph network(fixture.graph);
  runtime::Bindings bound{
      {fixture.graph.inputs()[0],
       ops::to_aten(fixture.slice(begin, end)[0]).to(at::kDouble, false, true)}};
  for (std::size_t l = 0; l < weights.size(); ++l) {
    bound.emplace(fixture.layers()[l].weight, weights[l]);
  }
  return network.evaluate(bound, fixture.graph.outputs())[0];
}

std::vector<at::Tensor> weights_of(const Fixture& fixture, bool leaves) {
  std::vector<at::Tensor> weights;
  for (std::size_t l = 0; l < fixture.layers().size(); ++l) {
    const at::Tensor weight = ops::to_aten(fixture.weight(l)).to(at::kDouble, false, true);
    weights.push_back(weight.set_requires_grad(leaves));
  }
  return weights;
}

std::vector<at::Tensor> fisher_of_classes(const Fixture& fixture) {
  return summed_squares(fixture, [](const at::Tensor& outputs) {
    const at::Tensor scores = at::log_softmax(outputs, 1)[0];
    std::vector<Term> terms;
    for (std::int64_t c = 0; c < scores.numel(); ++c) {
      terms.push_back({scores[c], scores[c].exp().item<double>()});
    }
    return terms;
  });
}

std::vector<at::Tensor> fisher_of_outputs(const Fixture& fixture) {
  return summed_squares(fixture, [](const at::Tensor& outputs) {
    const at::Tensor row = outputs.reshape({-1});
    std::vector<Term> terms;
    for (std::int64_t i = 0; i < row.numel(); ++i) terms.push_back({row[i], 1.0});
    return terms;
  });
}

at::Tensor squared_change(const Fixture& fixture, std::size_t layer, BitWidth width) {
  return (ops::to_aten(fixture.quantized(layer, width)).to(at::kDouble) -
          ops::to_aten(fixture.weight(layer)).to(at::kDouble))
      .square();
}

std::vector<Average> over_seeds(const Fixture& fixture, const std::string& name) {
  std::vector<Average> cells(fixture.layers().size() * fixture.widths.size());
  runtime::Executor executor(fixture.graph, {.threads = 1});
  for (int seed = 0; seed < kSeeds; ++seed) {
    Measurement measurement(
        fixture.graph,
        fixture.layers(),
        {.metrics = {name}, .widths = fixture.widths, .seed = static_cast<std::uint64_t>(seed)},
        fixture.quantizer());
    measurement.add_batch(executor, fixture.input);
    const LossTable table = measurement.result().at(name);
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i].add(table.values[i]);
  }
  return cells;
}

void expect_mean(const Average& got, double expected, const std::string& where) {
  // float32 gradients next to the standard error.
  EXPECT_NEAR(got.mean(), expected, kErrors * got.standard_error() + 1e-4 * expected) << where;
}

std::string cell_name(const Fixture& fixture, std::size_t layer, std::size_t width) {
  return fixture.layers()[layer].name + " at " + std::to_string(fixture.widths[width].value());
}

double squared_outputs(const Fixture& fixture) {
  return float64_outputs(fixture, weights_of(fixture, false), 0, fixture.input[0].shape()[0])
      .square()
      .sum()
      .item<double>();
}

}  // namespace ompq::testing
