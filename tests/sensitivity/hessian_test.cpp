#include "ompq/sensitivity/hessian.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "ompq/runtime/executor.h"
#include "ompq/sensitivity/measurement.h"
#include "sensitivity/gradient_cases.h"

namespace ompq::sensitivity {
namespace {

using testing::Average;
using testing::cell_name;
using testing::expect_mean;
using testing::fisher_of_outputs;
using testing::Fixture;
using testing::kSeeds;
using testing::over_seeds;
using testing::squared_change;
using testing::squared_outputs;
using testing::weights_of;

/// Exact trace of each layer's Hessian of the cross entropy with the float network's softmax as the
/// target, summed over samples: second differences in float64, weight by weight.
std::vector<double> traces_by_differences(const Fixture& fixture) {
  constexpr double kStep = 1e-4;  // leaves 1e-8 of truncation and 1e-16 / 1e-8 of rounding
  const at::NoGradGuard no_grad;
  const auto weights = weights_of(fixture, false);
  const std::int64_t samples = fixture.input[0].shape()[0];
  const at::Tensor target = at::softmax(testing::float64_outputs(fixture, weights, 0, samples), 1);
  const auto loss = [&] {
    const at::Tensor scores =
        at::log_softmax(testing::float64_outputs(fixture, weights, 0, samples), 1);
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

}  // namespace
}  // namespace ompq::sensitivity
