#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/quant/quant_params.h"
#include "ompq/rounding/dense_matrix.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::rounding {

/// What a layer reads, of every sample: in the float network, and after the quantized prefix.
struct LayerInputs {
  const SampleCache* exact = nullptr;
  const SampleCache* quantized = nullptr;
  /// On the quantized input, where the layer reads it; absent: it stays float.
  std::optional<quant::QuantParams> quantizer;
  /// Share of the last row that is samples: what fills up the last pass of a network that takes a
  /// fixed number of them counts for nothing.
  double last_row_share = 1.0;
};

/// Second moments of the inputs x (float network) and z (quantized prefix) of one part of a layer's
/// weight: columns `begin`.. of group `group`, in the order in which a row of the weight lies
/// (channel, kernel row, kernel column). Means over samples and positions.
struct InputMoments {
  std::int64_t group = 0;
  std::int64_t begin = 0;      ///< first column
  std::int64_t positions = 0;  ///< that the means are over
  DenseMatrix second;          ///< [k, k]: mean of z z^T
  DenseMatrix cross;           ///< [k, k]: mean of x z^T
  std::vector<double> mean;    ///< [k]: of x
  std::vector<double> z_mean;  ///< [k]: of z
};

struct MomentOptions {
  /// Positions that are looked at, spread evenly over the samples; all where there are fewer.
  std::int64_t positions = 1 << 16;
  /// Columns that are related to each other at most; a wider layer is cut into equal parts.
  std::int64_t most_columns = 8192;
  std::uint64_t seed = 1;  ///< draws the positions
};

/// True for layers whose inputs this file can gather: Conv over images, Gemm, MatMul, with samples
/// (or windows of them) on the first axis, or on any axis of a product of rank 3.
[[nodiscard]] bool has_input_moments(const graph::Graph& graph, const graph::Layer& layer);

/// All parts of the layer's weight, group by group. Caches hold 4-D values as H, W, C.
/// Memory: 8 k^2 bytes a part (all groups at once: a depthwise layer has many small ones).
/// @param graph  where the layer's ids are at home; shapes inferred.
/// @throws ShapeError if a cache does not hold the layer's input.
[[nodiscard]] std::vector<InputMoments> input_moments(const graph::Graph& graph,
                                                      const graph::Layer& layer,
                                                      const LayerInputs& inputs,
                                                      const MomentOptions& options);

}  // namespace ompq::rounding
