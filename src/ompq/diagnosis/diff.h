#pragma once

#include <cstdint>

#include "ompq/core/progress.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/report/diff.h"
#include "ompq/runtime/executor.h"

namespace ompq::diagnosis {

struct DiffOptions {
  double threshold_db = 30;      ///< networks have parted where the SNR of a value is below
  std::int64_t batch_size = 64;  ///< at most; less where a batch's features are large
  runtime::ExecutorOptions executor;
};

template <typename Binder>
void bind_options(Binder& binder, DiffOptions& options) {
  binder.bind("snr", options.threshold_db);
  binder.bind("batch", options.batch_size);
  bind_options(binder, options.executor);
  binder.bind("precision", options.executor.precision);
}

/// Runs two networks side by side over `samples` (made for `a`) and says, layer by layer, how far
/// what they compute differs, and where they part first. Memory: one batch of features, about
/// 256 MiB. Inputs of b are fed by name, or in order where the names differ; outputs likewise.
/// @throws ShapeError naming both models where inputs differ; ConfigError where no layer and no
/// output is the same; DataError for no samples.
[[nodiscard]] report::Diff diff(const pipeline::Model& a,
                                const pipeline::Model& b,
                                pipeline::Samples& samples,
                                const DiffOptions& options,
                                const ProgressHandler& progress = {});

}  // namespace ompq::diagnosis
