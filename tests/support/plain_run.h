#pragma once

#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::testing {

/// A dense array of float64, row-major.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<double> elements;
};

/// Runs a graph of Conv, ConvTranspose, Gemm, MatMul, BatchNormalization, Add, Mul, Relu, Sigmoid,
/// Clip, MaxPool, GlobalAveragePool, Flatten, Identity and Dropout, plain and fused, with loops in
/// float64: what passes must not change, told by code that shares nothing with the kernels. 2-D
/// convolutions, one input, all outputs.
/// @throws std::runtime_error for any other operator.
[[nodiscard]] std::vector<Array> run_plainly(const graph::Graph& graph, const Array& input);

/// Fails the running test where `after` does not say what `before` says, up to weights that were
/// rounded to float32 once more: 2^-24 of each product, over sums and depths of up to 2^10, of the
/// largest output.
void expect_same_outputs(const graph::Graph& before, const graph::Graph& after, const Array& input);

/// Seeded standard normal numbers.
[[nodiscard]] Array normal_array(std::vector<std::int64_t> shape, std::uint64_t seed);

}  // namespace ompq::testing
