#pragma once

#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/sensitivity/loss_table.h"

namespace ompq::testing {

/// A small network with samples and weights quantized by rounding to nearest: what every metric is
/// tried on.
struct Fixture {
  /// @param network  shapes inferred; one float32 input
  explicit Fixture(graph::Graph network, std::int64_t samples = 6);

  graph::Graph graph;
  graph::Discovery discovery;
  std::vector<Tensor> input;
  std::vector<BitWidth> widths{BitWidth(2), BitWidth(4), BitWidth(8)};

  [[nodiscard]] const std::vector<graph::Layer>& layers() const { return discovery.layers; }
  [[nodiscard]] const Tensor& weight(std::size_t layer) const;
  [[nodiscard]] Tensor quantized(std::size_t layer, BitWidth width) const;
  [[nodiscard]] sensitivity::QuantizedWeight quantizer() const;
  /// Samples begin .. end - 1 of the input.
  [[nodiscard]] std::vector<Tensor> slice(std::int64_t begin, std::int64_t end) const;
  /// The network with some layers quantized.
  struct Change {
    std::size_t layer;
    BitWidth width;
  };
  [[nodiscard]] graph::Graph changed(const std::vector<Change>& changes) const;
};

/// Stem, a residual block of two convolutions, pool, classifier; 3x8x8 inputs, 4 classes.
[[nodiscard]] graph::Graph residual_network();
/// Convolution, Tanh, pool, Gemm, Tanh, Gemm: smooth and with few weights; 2x4x4 inputs, 3 classes.
[[nodiscard]] graph::Graph smooth_network();
/// Two convolutions with ReLU6 between; the output is an image.
[[nodiscard]] graph::Graph image_network();
/// Two Gemms that share one weight, an activation between, then a third; 4 values in, 3 classes.
[[nodiscard]] graph::Graph shared_weight_network();

/// Outputs by the executor, float32.
[[nodiscard]] std::vector<Tensor> run(const graph::Graph& graph, const std::vector<Tensor>& input);
/// |a - b|^2 / |b|^2 of the first outputs.
[[nodiscard]] double relative_error(const std::vector<Tensor>& a, const std::vector<Tensor>& b);
/// Mean KL of softmax rows, in nats.
[[nodiscard]] double mean_divergence(const Tensor& real, const Tensor& quantized);

}  // namespace ompq::testing
