#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/graph/layers.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/input_moments.h"

namespace ompq::rounding {

/// In which order the columns of a weight are rounded. Each rounding error is made good by the
/// columns that are still to come, so the first ones are rounded best off.
enum class ColumnOrder {
  Natural,
  Activity,  ///< columns with the largest input energy first ("act-order")
};

struct GptqOptions {
  double damping = 0.01;  ///< added to the moments' diagonal, as a share of its mean
  /// The same once more for each column a position: moments of few positions know the samples, not
  /// the layer.
  double shrinkage = 3.0;
  ColumnOrder order = ColumnOrder::Activity;
  /// Aims at the float layer on float inputs rather than at the float layer on quantized ones, so
  /// that errors of the prefix are made good as well.
  bool correct_inputs = true;
  bool correct_bias = true;  ///< the bias takes up the mean of what is left, where there is one
  /// Ranges that are tried for each output channel with the full objective, out of those that a
  /// cheap estimate ranks first.
  int tried_ranges = 4;
  int sweeps = 2;  ///< of coordinate descent over all codes after the compensation
  MomentOptions moments;
};

/// A weight as a matrix [rows, columns] of one group, and how well codes stand for it.
struct CompensatedWeight {
  quant::QuantizedTensor codes;
  /// The new bias, for layers that have one and with correct_bias.
  std::optional<Tensor> bias;
  double error_nearest = 0.0;  ///< mean squared error of the output, of the codes given
  double error = 0.0;          ///< of the codes returned
  double signal = 0.0;         ///< mean square of what is aimed at, less its mean with a free bias
};

/// Rounds a layer's weight so that the error of its *output* is small: column after column, each
/// error being made good by the columns that are still float (GPTQ), along the Cholesky factor of
/// the inputs' second moments; then by coordinate descent. Scales and zero points are chosen per
/// output channel by the same objective; scales are short.
///
/// With x the inputs in the float network and z those after the quantized prefix, it minimizes
/// E |W x + b - Q z - b'|^2 over codes, ranges and b'. Without `correct_inputs`, x is z.
///
/// Time: k^2 x rows for each tried range and sweep and k^3 / 3 for the factor, k the columns.
/// @param initial  bits, symmetry and granularity, and what the result is compared with: a channel
/// whose error would grow keeps its initial codes.
/// @throws ConfigError for a layer without has_input_moments(), or a damping <= 0; ShapeError if
/// `initial` is not of this weight.
/// Source: Frantar et al. 2023 (GPTQ); the order of the factor follows its equivalence with
/// Babai's nearest plane (Chen et al. 2025).
[[nodiscard]] CompensatedWeight compensate(const graph::Graph& graph,
                                           const graph::Layer& layer,
                                           const quant::QuantizedTensor& initial,
                                           const LayerInputs& inputs,
                                           const GptqOptions& options = {});

/// The same from moments that were taken before, for several roundings of one layer.
/// @param moments  input_moments() of the layer.
[[nodiscard]] CompensatedWeight compensate(const graph::Graph& graph,
                                           const graph::Layer& layer,
                                           const quant::QuantizedTensor& initial,
                                           std::vector<InputMoments> moments,
                                           const GptqOptions& options = {});

}  // namespace ompq::rounding
