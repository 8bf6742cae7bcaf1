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

/// The order in which the columns of a weight are rounded. Each rounding error is compensated by
/// the remaining columns, so the first columns are compensated best.
enum class ColumnOrder {
  Natural,
  Activity,  ///< columns with the largest input energy first ("act-order")
};

struct GptqOptions {
  double damping = 0.01;  ///< added to the moments' diagonal, as a share of its mean
  /// Additional damping per column / position: moments of few positions are specific to the
  /// samples.
  double shrinkage = 3.0;
  ColumnOrder order = ColumnOrder::Activity;
  /// The target is the float layer's output for float inputs rather than for quantized ones, so
  /// that errors of the prefix are compensated as well.
  bool correct_inputs = true;
  bool correct_bias = true;  ///< the bias, if there is one, compensates the mean error
  /// Number of ranges tried per output channel with the full objective, the best ones by a cheap
  /// estimate.
  int tried_ranges = 4;
  int sweeps = 2;  ///< sweeps of coordinate descent over all codes after the compensation
  MomentOptions moments;
};

/// The result for one layer.
struct CompensatedWeight {
  quant::QuantizedTensor codes;
  /// The new bias, for layers with a bias and with correct_bias.
  std::optional<Tensor> bias;
  double error_nearest = 0.0;  ///< mean squared error of the output with the initial codes
  double error = 0.0;          ///< likewise, with the returned codes
  double signal = 0.0;         ///< mean square of the target, without its mean if the bias is free
};

/// Rounds a layer's weight so that the error of its *output* is small: column by column, with each
/// error compensated by the columns that are still float (GPTQ), along the Cholesky factor of the
/// inputs' second moments; then by coordinate descent. Scales and zero points are chosen per output
/// channel by the same objective; scales are short.
///
/// With x the inputs in the float network and z those after the quantized prefix, minimizes E |W x
/// + b - Q z - b'|^2 over codes, ranges and b'. Without `correct_inputs`, x is z.
///
/// Time: k^2 x rows for each tried range and sweep, and k^3 / 3 for the factor, k the number of
/// columns.
/// @param initial  gives bits, symmetry and granularity, and is compared with the result: a channel
/// whose error would increase keeps its initial codes.
/// @throws ConfigError for a layer without has_input_moments(), or a damping <= 0; ShapeError if
/// `initial` does not fit the weight.
/// Source: Frantar et al. 2023 (GPTQ); the order of the factor follows its equivalence with
/// Babai's nearest plane (Chen et al. 2025).
[[nodiscard]] CompensatedWeight compensate(const graph::Graph& graph,
                                           const graph::Layer& layer,
                                           const quant::QuantizedTensor& initial,
                                           const LayerInputs& inputs,
                                           const GptqOptions& options = {});

/// Several roundings of one layer, such as to several widths, which share the factor.
/// @param initial  one for each result.
/// @param moments  input_moments() of the layer.
[[nodiscard]] std::vector<CompensatedWeight> compensate_each(
    const graph::Graph& graph,
    const graph::Layer& layer,
    std::span<const quant::QuantizedTensor> initial,
    std::vector<InputMoments> moments,
    const GptqOptions& options = {});

}  // namespace ompq::rounding
