#include <cmath>
#include <functional>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/sensitivity/gradient_network.h"
#include "ompq/sensitivity/measurement.h"
#include "sensitivity/fixture.h"
#include "support/graph_builder.h"

// fisher and hessian draw at random; their mean over many seeds is held to exact enumerations,
// within six times its own standard error.

namespace ompq::sensitivity {
namespace {

using testing::Fixture;

constexpr int kSeeds = 150;
constexpr double kErrors = 6;

/// Outputs of the network in float64 with its layers' weights replaced.
at::Tensor outputs_of(const Fixture& fixture,
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

/// Calls `use(layer, factor * squared gradient)` for each layer and each of the sample's terms,
/// which `terms` makes of the outputs: tensors to differentiate, with their factors.
struct Term {
  at::Tensor value;
  double factor;
};
std::vector<at::Tensor> summed_squares(
    const Fixture& fixture, const std::function<std::vector<Term>(const at::Tensor&)>& terms) {
  const auto leaves = weights_of(fixture, true);
  std::vector<at::Tensor> sums;
  for (const at::Tensor& leaf : leaves) sums.push_back(at::zeros_like(leaf.detach()));
  for (std::int64_t s = 0; s < fixture.input.front().shape().front(); ++s) {
    const std::size_t count = terms(outputs_of(fixture, leaves, s, s + 1)).size();
    for (std::size_t t = 0; t < count; ++t) {
      const Term term = terms(outputs_of(fixture, leaves, s, s + 1))[t];
      term.value.backward();
      for (std::size_t l = 0; l < leaves.size(); ++l) {
        sums[l] += term.factor * leaves[l].grad().square();
        leaves[l].mutable_grad() = at::Tensor();
      }
    }
  }
  return sums;
}

/// Exact diagonal of the Fisher information: every class counts by its probability.
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

/// The same of a Gaussian likelihood: every output counts.
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

struct Average {
  double sum = 0;
  double squares = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
  }
  [[nodiscard]] double mean() const { return sum / kSeeds; }
  [[nodiscard]] double standard_error() const {
    return std::sqrt(std::max(squares / kSeeds - mean() * mean(), 0.0) / (kSeeds - 1));
  }
};

/// The metric's table for kSeeds seeds, cell by cell.
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
  return outputs_of(fixture, weights_of(fixture, false), 0, fixture.input[0].shape()[0])
      .square()
      .sum()
      .item<double>();
}

TEST(Fisher, MeanIsTheExactFisherInformationTimesTheSquaredChange) {
  const Fixture fixture(testing::smooth_network(), 3);
  const auto exact = fisher_of_classes(fixture);
  const auto got = over_seeds(fixture, "fisher");
  for (std::size_t l = 0; l < exact.size(); ++l) {
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      const double expected =
          0.5 / 3 * (exact[l] * squared_change(fixture, l, fixture.widths[w])).sum().item<double>();
      expect_mean(got[l * fixture.widths.size() + w], expected, cell_name(fixture, l, w));
    }
  }
}

TEST(Fisher, OfAnImageIsThatOfAGaussianLikelihood) {
  const Fixture fixture(testing::image_network(), 2);
  const auto exact = fisher_of_outputs(fixture);
  const auto got = over_seeds(fixture, "fisher");
  const double norm = squared_outputs(fixture);
  for (std::size_t l = 0; l < exact.size(); ++l) {
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      const double expected =
          (exact[l] * squared_change(fixture, l, fixture.widths[w])).sum().item<double>() / norm;
      expect_mean(got[l * fixture.widths.size() + w], expected, cell_name(fixture, l, w));
    }
  }
}

/// Exact trace of each layer's Hessian of the cross entropy with the float network's softmax as the
/// target, summed over samples: second differences in float64, weight by weight.
std::vector<double> traces_by_differences(const Fixture& fixture) {
  constexpr double kStep = 1e-4;  // leaves 1e-8 of truncation and 1e-16 / 1e-8 of rounding
  const at::NoGradGuard no_grad;
  const auto weights = weights_of(fixture, false);
  const std::int64_t samples = fixture.input[0].shape()[0];
  const at::Tensor target = at::softmax(outputs_of(fixture, weights, 0, samples), 1);
  const auto loss = [&] {
    const at::Tensor scores = at::log_softmax(outputs_of(fixture, weights, 0, samples), 1);
    return -(target * scores).sum().item<double>();
  };
  const double here = loss();
  std::vector<double> traces;
  for (const at::Tensor& weight : weights) {
    double* values = weight.data_ptr<double>();
    double trace = 0;
    for (std::int64_t i = 0; i < weight.numel(); ++i) {
      const double start = values[i];
      values[i] = start + kStep;
      const double up = loss();
      values[i] = start - kStep;
      trace += (up - 2 * here + loss()) / (kStep * kStep);
      values[i] = start;
    }
    traces.push_back(trace);
  }
  return traces;
}

TEST(Hessian, MeanIsTheExactTraceTimesTheSquaredChange) {
  const Fixture fixture(testing::smooth_network(), 3);
  const auto traces = traces_by_differences(fixture);
  const auto got = over_seeds(fixture, "hessian");
  for (std::size_t l = 0; l < traces.size(); ++l) {
    const double average = traces[l] / static_cast<double>(fixture.weight(l).elements());
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      const double change = squared_change(fixture, l, fixture.widths[w]).sum().item<double>();
      expect_mean(
          got[l * fixture.widths.size() + w], 0.5 / 3 * average * change, cell_name(fixture, l, w));
    }
  }
}

TEST(Hessian, OfAnImageIsThatOfTheSquaredError) {
  const Fixture fixture(testing::image_network(), 2);
  // The squared error's Hessian at the float network is J' J: its trace is that of the Fisher
  // information of a Gaussian likelihood.
  const auto exact = fisher_of_outputs(fixture);
  const auto got = over_seeds(fixture, "hessian");
  const double norm = squared_outputs(fixture);
  for (std::size_t l = 0; l < exact.size(); ++l) {
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      const double expected = exact[l].mean().item<double>() *
                              squared_change(fixture, l, fixture.widths[w]).sum().item<double>() /
                              norm;
      const Average& cell = got[l * fixture.widths.size() + w];
      expect_mean(cell, expected, cell_name(fixture, l, w));
    }
  }
}

TEST(Hessian, MoreProbesScatterLess) {
  const Fixture fixture(testing::smooth_network(), 3);
  const auto deviation = [&](int probes) {
    Average average;
    runtime::Executor executor(fixture.graph, {.threads = 1});
    for (int seed = 0; seed < kSeeds; ++seed) {
      Measurement measurement(fixture.graph,
                              fixture.layers(),
                              {.metrics = {"hessian"},
                               .widths = {BitWidth(2)},
                               .seed = static_cast<std::uint64_t>(seed),
                               .probes = probes},
                              fixture.quantizer());
      measurement.add_batch(executor, fixture.input);
      average.add(measurement.result().at("hessian").at(0, 0));
    }
    return average.standard_error();
  };
  // Four probes halve the deviation; its own error over 150 seeds is about 6 %.
  EXPECT_LT(deviation(4), 0.7 * deviation(1));
}

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

  const auto exact = weights_of(fixture, true);
  const at::Tensor expected = outputs_of(fixture, exact, 0, 2);
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

TEST(Fisher, RunsANetworkOfFixedBatchByWholeBatches) {
  testing::GraphBuilder builder("fixed");
  const auto x = builder.input("input", {graph::Dim::fixed(3), graph::Dim::fixed(5)});
  const Fixture fixture(builder.finish({builder.gemm("fc", x, 4)}), 3);
  const auto exact = fisher_of_classes(fixture);
  const auto got = over_seeds(fixture, "fisher");
  for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
    const double expected =
        0.5 / 3 * (exact[0] * squared_change(fixture, 0, fixture.widths[w])).sum().item<double>();
    expect_mean(got[w], expected, cell_name(fixture, 0, w));
  }
}

}  // namespace
}  // namespace ompq::sensitivity
