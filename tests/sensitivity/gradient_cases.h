#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "sensitivity/fixture.h"

// fisher and hessian draw at random; their mean over many seeds is compared with exact
// enumerations, within six times its own standard error.

namespace ompq::testing {

inline constexpr int kSeeds = 150;

/// Outputs of the network in float64 for samples begin .. end - 1, with its layers' weights
/// replaced.
[[nodiscard]] at::Tensor float64_outputs(const Fixture& fixture,
                                         const std::vector<at::Tensor>& weights,
                                         std::int64_t begin,
                                         std::int64_t end);
/// The layers' weights in float64.
/// @param leaves  whether they require gradients.
[[nodiscard]] std::vector<at::Tensor> weights_of(const Fixture& fixture, bool leaves);

/// Exact diagonal of the Fisher information: every class counts by its probability.
[[nodiscard]] std::vector<at::Tensor> fisher_of_classes(const Fixture& fixture);
/// The same of a Gaussian likelihood: every output counts.
[[nodiscard]] std::vector<at::Tensor> fisher_of_outputs(const Fixture& fixture);

[[nodiscard]] at::Tensor squared_change(const Fixture& fixture, std::size_t layer, BitWidth width);
/// Sum of squares of all outputs.
[[nodiscard]] double squared_outputs(const Fixture& fixture);

/// A mean over kSeeds values.
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
[[nodiscard]] std::vector<Average> over_seeds(const Fixture& fixture, const std::string& name);
void expect_mean(const Average& got, double expected, const std::string& where);
/// "conv at 4".
[[nodiscard]] std::string cell_name(const Fixture& fixture, std::size_t layer, std::size_t width);

}  // namespace ompq::testing
