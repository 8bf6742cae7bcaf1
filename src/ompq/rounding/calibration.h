#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/option_names.h"
#include "ompq/runtime/executor.h"
#include "ompq/runtime/executor_binding.h"
#include "ompq/targets/target_table.h"

namespace ompq::rounding {

struct CalibrationOptions {
  quant::RangeMethod range = quant::RangeMethod::ErrorSearch;
  double percentile = 99.99;  ///< for RangeMethod::Percentile, in percent
  std::int64_t batch_size = 64;
  std::string target{targets::kDefaultTarget};  ///< decides which values are quantized
  runtime::ExecutorOptions executor;
};

template <typename Binder>
void bind_options(Binder& binder, CalibrationOptions& options) {
  binder.bind("act-range", options.range);
  binder.unbound("percentile", options.percentile);
  binder.bind("batch", options.batch_size);
  binder.bind("target", options.target);
  bind_options(binder, options.executor);
  binder.unbound("precision", options.executor.precision);
}

/// Quantizers of values: of the layers' inputs, and with integer kernels of values between
/// operators (targets::place_quantizers).
using ActivationQuantizers = std::map<graph::ValueId, quant::QuantParams>;

/// The histogram of an activation in calibration: equal bins starting at `lower_edge`.
struct ActivationHistogram {
  double lower_edge = 0;
  double bin_width = 0;
  std::vector<double> counts;
};
using ActivationHistograms = std::map<graph::ValueId, ActivationHistogram>;

/// Runs the float network over the samples at `indices` and sets each activation's range from a
/// streaming histogram. Memory: one batch and 2048 bins per activation, independent of the number
/// of samples.
/// @param activation_bits  one width per layer, in the order of `layers`.
/// @param histograms  if not null, receives the histogram of each value.
/// @throws DataError if a value is NaN or infinite on these samples (names the layer that reads
/// it).
[[nodiscard]] ActivationQuantizers calibrate_activations(
    const graph::Graph& graph,
    const std::vector<graph::Layer>& layers,
    const std::vector<BitWidth>& activation_bits,
    data::Dataset& dataset,
    const std::vector<std::int64_t>& indices,
    const CalibrationOptions& options,
    const ProgressHandler& progress = {},
    ActivationHistograms* histograms = nullptr);

/// Inserts QuantizeLinear -> DequantizeLinear after each value; all readers of the value, including
/// residual additions, read the quantized one.
/// - Without integer kernels: preceded by a Clip to the narrower range for fewer than 8 bits, and
///   with the scale repeated for each slice.
/// - With integer kernels: with one scale, and a Clip of the codes for fewer than 8 bits. Constants
///   of operators between quantizers become codes, too (operand_codes.h). A network output is only
///   quantized itself if the target quantizes everything.
void insert_activation_quantizers(
    graph::Graph& graph,
    const ActivationQuantizers& quantizers,
    const targets::TargetRow& target = targets::target(targets::kDefaultTarget));

}  // namespace ompq::rounding
