#pragma once

#include <cstdint>

#include "ompq/core/progress.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/report/diff.h"
#include "ompq/runtime/executor.h"

namespace ompq::diagnosis {

struct DiffOptions {
  double threshold_db = 30;      ///< networks diverge where the SNR of a value is below this
  std::int64_t batch_size = 64;  ///< maximum; less if a batch's features are large
  runtime::ExecutorOptions executor;
};

template <typename Binder>
void bind_options(Binder& binder, DiffOptions& options) {
  binder.bind("snr", options.threshold_db);
  binder.bind("batch", options.batch_size);
  bind_options(binder, options.executor);
  binder.bind("precision", options.executor.precision);
}

/// Runs two networks on `samples` (made for `a`) and compares their values layer by layer; reports
/// where they first diverge. Memory: one batch of features, about 256 MiB. Inputs of b are matched
/// by name, or in order if the names differ; outputs likewise.
/// @throws ShapeError naming both models if inputs differ; ConfigError if no layer and no output
/// matches; DataError if there are no samples.
[[nodiscard]] report::Diff diff(const pipeline::Model& a,
                                const pipeline::Model& b,
                                pipeline::Samples& samples,
                                const DiffOptions& options,
                                const ProgressHandler& progress = {});

}  // namespace ompq::diagnosis
