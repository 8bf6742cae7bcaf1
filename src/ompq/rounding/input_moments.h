#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/quant/quant_params.h"
#include "ompq/rounding/dense_matrix.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::rounding {

/// The inputs of a layer for every sample: in the float network, and after the quantized prefix.
struct LayerInputs {
  const SampleCache* exact = nullptr;
  const SampleCache* quantized = nullptr;
  /// The quantizer of the input; nullopt: it stays float.
  std::optional<quant::QuantParams> quantizer;
  /// Share of samples in the last row: padding of the last pass of a network with a fixed batch
  /// does not count.
  double last_row_share = 1.0;
};

/// Second moments of the inputs x (float network) and z (quantized prefix) of one part of a layer's
/// weight: columns `begin`.. of group `group`, in the element order of a weight's row (channel,
/// kernel row, kernel column). Means over samples and positions.
struct InputMoments {
  std::int64_t group = 0;
  std::int64_t begin = 0;      ///< first column
  std::int64_t positions = 0;  ///< number of positions in the means
  DenseMatrix second;          ///< [k, k]: mean of z z^T
  DenseMatrix cross;           ///< [k, k]: mean of x z^T
  std::vector<double> mean;    ///< [k]: of x
  std::vector<double> z_mean;  ///< [k]: of z
};

struct MomentOptions {
  /// Number of positions to use, equally many of each sample and at least one.
  std::int64_t positions = 1 << 16;
  /// Maximum number of columns of a part; a wider layer is split into equal parts.
  std::int64_t max_columns = 8192;
  std::uint64_t seed = 1;  ///< draws the positions
};

/// True for layers with supported inputs: Conv over images, Gemm, MatMul, with samples (or windows
/// of them) on the first axis, or on any axis of a product of rank 3.
[[nodiscard]] bool has_input_moments(const graph::Graph& graph, const graph::Layer& layer);

/// All parts of the layer's weight, group by group. 4-D values are cached as H, W, C. Memory: 8 k^2
/// bytes per part (all groups at once: a depthwise layer has many small ones).
/// @param graph  the layer's graph, with inferred shapes.
/// @throws ShapeError if a cache does not fit the layer's input.
[[nodiscard]] std::vector<InputMoments> input_moments(const graph::Graph& graph,
                                                      const graph::Layer& layer,
                                                      const LayerInputs& inputs,
                                                      const MomentOptions& options);

}  // namespace ompq::rounding
