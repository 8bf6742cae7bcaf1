#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "ompq/pipeline/evaluate.h"
#include "ompq/ptq/method_options.h"
#include "ompq/report/reconstruction.h"
#include "ompq/rounding/calibration.h"
#include "ompq/search/search_options.h"

namespace ompq::ptq {

struct QuantizeOptions {
  search::SearchOptions search{.compensated = true};  ///< as `method` compensates errors
  /// Widths to use instead of searching.
  std::optional<std::filesystem::path> allocation_file;
  rounding::CalibrationOptions calibration;
  MethodOptions method;
  std::int64_t tuning_samples = 0;  ///< samples of the method; 0: samples_wanted()
  /// Journal for finished work of slow methods; empty: next to the output.
  std::filesystem::path journal;
  std::filesystem::path output;
  /// Of `output`, a row of file_formats(); budgets refer to search.form in any case.
  std::string format = "packed";
  pipeline::EvaluateOptions evaluation;
  bool explain = false;  ///< diagnose where the result loses accuracy
  /// Called with the estimated cost of a method before the search and the method start; may be
  /// empty.
  std::function<void(const report::MethodCost&)> announce;
};

/// Options shared with fine-tuning: widths, calibration, files.
template <typename Binder>
void bind_plan(Binder& binder, QuantizeOptions& options) {
  bind_options(binder, options.search);
  binder.bind("allocation", options.allocation_file);
  bind_options(binder, options.calibration);
  binder.bind("output", options.output);
  binder.bind("format", options.format);
  bind_options(binder, options.evaluation);
}

template <typename Binder>
void bind_options(Binder& binder, QuantizeOptions& options) {
  bind_plan(binder, options);
  bind_options(binder, options.method);
  binder.bind("tuning-samples", options.tuning_samples);
  binder.bind("journal", options.journal);
  binder.bind("explain", options.explain);
  binder.composed("eval-command", options.search.judged_by);
}

}  // namespace ompq::ptq
