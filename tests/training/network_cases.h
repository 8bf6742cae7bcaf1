#pragma once

#include <string>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/graph/layers.h"
#include "ompq/rounding/network_codes.h"
#include "ompq/training/trainer.h"

namespace ompq::testing {

/// A graph as an importer leaves it: shapes inferred, no-ops removed, batch norms not folded.
[[nodiscard]] graph::Graph prepared(graph::Graph graph);

/// Convolutions (plain, strided, depthwise, asymmetric pads), norms, ReLU, ReLU6, a residual, and a
/// classifier of `classes`; input [N, 2, 8, 8].
[[nodiscard]] graph::Graph tiny_network(std::int64_t classes = 3);

/// Standard normal numbers.
[[nodiscard]] Tensor normal_inputs(std::vector<std::int64_t> shape, std::uint64_t seed);

/// Codes by rounding to nearest of every layer's weight, and quantizers of every layer's input from
/// the extremes that `samples` reach.
[[nodiscard]] rounding::NetworkCodes nearest_codes(const graph::Graph& folded,
                                                   const std::vector<graph::Layer>& layers,
                                                   int weight_bits,
                                                   int activation_bits,
                                                   const Tensor& samples);

/// What a quantized file computes, run by runtime::Executor: weights that codes stand for, rounded
/// biases, quantizers as nodes. First output.
[[nodiscard]] Tensor exported_scores(const graph::Graph& folded,
                                     const std::vector<graph::Layer>& layers,
                                     const rounding::NetworkCodes& codes,
                                     const Tensor& inputs);
[[nodiscard]] Tensor float_scores(const graph::Graph& graph, const Tensor& inputs);

/// Greatest difference over the range of `expected`.
[[nodiscard]] double relative_difference(const Tensor& got, const Tensor& expected);

/// A task that a small network learns: which third of the image is bright. Seeded.
[[nodiscard]] training::TrainingBatch bright_thirds(std::int64_t samples, std::uint64_t seed);

}  // namespace ompq::testing
