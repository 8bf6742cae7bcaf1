#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/option_names.h"
#include "ompq/runtime/executor.h"
#include "ompq/runtime/executor_binding.h"

namespace ompq::rounding {

struct CalibrationOptions {
  quant::RangeMethod range = quant::RangeMethod::ErrorSearch;
  double percentile = 99.99;  ///< for RangeMethod::Percentile, in percent
  std::int64_t batch_size = 64;
  runtime::ExecutorOptions executor;
};

template <typename Binder>
void bind_options(Binder& binder, CalibrationOptions& options) {
  binder.bind("act-range", options.range);
  binder.unbound("percentile", options.percentile);
  binder.bind("batch", options.batch_size);
  bind_options(binder, options.executor);
  binder.unbound("precision", options.executor.precision);
}

/// One quantizer for each input of a layer. Layers that read the same value share it, with the
/// largest of their widths.
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

/// Inserts QuantizeLinear -> DequantizeLinear after each value (preceded by a Clip to the narrower
/// range for fewer than 8 bits); all readers of the value, including residual additions, read the
/// quantized one.
void insert_activation_quantizers(graph::Graph& graph, const ActivationQuantizers& quantizers);

}  // namespace ompq::rounding
