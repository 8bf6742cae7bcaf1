#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/graph/graph.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/runtime/executor.h"

/// Shorthand for tests that run networks on seeded inputs and compare what comes out.
namespace ompq::testing {

/// Standard normal numbers, the same for the same seed.
[[nodiscard]] Tensor normal_tensor(std::vector<std::int64_t> shape, std::uint64_t seed = 7);
/// One normal tensor for each input of the graph, for a batch of `batch`.
[[nodiscard]] std::vector<Tensor> normal_inputs(const graph::Graph& graph,
                                                std::int64_t batch,
                                                std::uint64_t seed = 7);

/// Largest difference, as a share of the largest number expected.
[[nodiscard]] double relative_error(const Tensor& got, const Tensor& expected);
/// Same shape, and no element further off than `bound` times the largest number expected; a failure
/// prints where.
[[nodiscard]] ::testing::AssertionResult near(const Tensor& got,
                                              const Tensor& expected,
                                              double bound);

/// All outputs by the operator table's own LibTorch kernels, node by node: the reference.
[[nodiscard]] std::vector<Tensor> run_plain(const graph::Graph& graph,
                                            const std::vector<Tensor>& inputs);
[[nodiscard]] std::vector<Tensor> run_executor(const graph::Graph& graph,
                                               const std::vector<Tensor>& inputs,
                                               runtime::ExecutorOptions options = {});

}  // namespace ompq::testing
