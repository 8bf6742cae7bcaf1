#include "ompq/sensitivity/fisher.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sensitivity/gradient_cases.h"
#include "support/graph_builder.h"

namespace ompq::sensitivity {
namespace {

using testing::cell_name;
using testing::expect_mean;
using testing::fisher_of_classes;
using testing::fisher_of_outputs;
using testing::Fixture;
using testing::over_seeds;
using testing::squared_change;
using testing::squared_outputs;

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
