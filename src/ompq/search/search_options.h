#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/pipeline/network.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/rounding/calibration.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/runtime/executor.h"
#include "ompq/runtime/executor_binding.h"
#include "ompq/search/option_values.h"
#include "ompq/search/quality_judge.h"
#include "ompq/search/request_options.h"

namespace ompq::search {

struct AutoOptions {
  double time_limit_seconds = 60;  ///< for ranking and refining; then the best so far is used
  int max_rounds = 40;             ///< of refinement
  std::size_t starts = 3;          ///< best ranked candidates that are checked
  std::size_t further_starts = 5;  ///< the next ones, checked if there is time
  double check_seconds = 0;        ///< expected time to round and judge one of them
};

struct SearchOptions {
  RequestOptions request;
  std::string allocator = "auto";
  /// Allocators to compare with the chosen one under the same budget.
  std::vector<std::string> beside{"uniform", "size-only", "orm"};
  /// False omits those that need measurements which the chosen one does not.
  bool measure_for_beside = false;
  double beta = 1.0;
  AutoOptions automatic;
  /// Samples of the same source for `auto` that no other step uses.
  std::vector<std::int64_t> more_samples;
  /// Instead of a size: the smallest file that loses at most this many percent of the predictions.
  std::optional<double> max_loss;
  /// Samples of the same source on which that is measured, used by no other step.
  std::vector<std::int64_t> loss_samples;
  /// Instead of predictions: `max_loss` is in units of its number, and no samples are needed.
  QualityJudge judge;
  std::string judged_by;  ///< the command and the float network's quality; "" without a judge
  rounding::WeightOptions weights;
  /// Of activations in the networks that are judged.
  quant::RangeMethod activation_range = rounding::CalibrationOptions{}.range;
  /// Measure with error-compensated rounding instead of rounding to nearest, for networks that will
  /// be rounded by such a method.
  bool compensated = false;
  pipeline::FileForm form;  ///< of the written file; its budget is set from the request
  std::int64_t batch_size = 64;
  /// For the measuring passes.
  runtime::ExecutorOptions executor{.precision = runtime::Precision::Auto};
};

/// For calibrating the networks that are judged.
[[nodiscard]] inline rounding::CalibrationOptions calibration_of(const SearchOptions& options) {
  rounding::CalibrationOptions calibration{.range = options.activation_range,
                                           .batch_size = options.batch_size,
                                           .target = options.weights.target,
                                           .executor = options.executor};
  calibration.executor.precision = runtime::Precision::Float32;
  return calibration;
}

/// For running the networks that are judged: bfloat16 is coarser than 8-bit quantization.
[[nodiscard]] inline runtime::ExecutorOptions judging_executor(const SearchOptions& options) {
  runtime::ExecutorOptions executor = options.executor;
  if (!options.request.activation_candidates.empty()) {
    executor.precision = runtime::Precision::Float32;
  }
  return executor;
}

/// The options shared by search, compare and sweep.
template <typename Binder>
void bind_measuring(Binder& binder, SearchOptions& options) {
  bind_options(binder, options.request);
  binder.bind("beta", options.beta);
  binder.bind("time-limit", options.automatic.time_limit_seconds, seconds_from_us);
  binder.unbound("rounds", options.automatic.max_rounds);
  binder.unbound("starts", options.automatic.starts);
  binder.unbound("further_starts", options.automatic.further_starts);
  binder.unbound("time to check", options.automatic.check_seconds);
  binder.unbound("more samples", options.more_samples);
  binder.bind("weight-levels", options.weights.symmetry);
  binder.bind("target", options.weights.target);
  binder.unbound("weight range", options.weights.range);
  binder.unbound("activation range", options.activation_range);
  binder.composed("format", options.form.format);
  binder.bind("opset", options.form.opset);
  binder.unbound("most bytes", options.form.max_model_bytes);
  binder.bind("batch", options.batch_size);
  binder.bind("precision", options.executor.precision);
  bind_options(binder, options.executor);
}

template <typename Binder>
void bind_options(Binder& binder, SearchOptions& options) {
  bind_measuring(binder, options);
  bind_options(binder, options.request.budget);
  binder.composed("allocator|solver|scheme", options.allocator);
  binder.bind("beside", options.beside, shown_allocators);
  binder.composed("beside", options.measure_for_beside);
  binder.composed("for", options.compensated);
  binder.bind("max-loss", options.max_loss);
  binder.unbound("loss samples", options.loss_samples);
}

}  // namespace ompq::search
