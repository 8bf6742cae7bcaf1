#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/pipeline/model.h"
#include "ompq/report/diagnosis.h"
#include "ompq/runtime/executor.h"

namespace ompq::diagnosis {

/// A quantized network derived from the float one, with the same names of nodes and values.
struct DiagnosedNetwork {
  const graph::Graph& graph;
  /// The reference for its values if it is not the model itself, but an equivalent float network
  /// with the same names, such as one with equalized channels; nullptr: the model.
  const graph::Graph* reference = nullptr;
};

struct DiagnosisOptions {
  std::int64_t batch_size = 64;    ///< maximum; less if a batch's features are large
  std::int64_t gain_samples = 32;  ///< for LayerDiagnosis::gain_db, rounded up to batches; 0: none
  /// Keep float32, so that rounding to bfloat16 does not count as noise.
  runtime::ExecutorOptions executor;
  std::vector<int> weight_bits;      ///< one per layer, for the report; empty: unknown
  std::vector<int> activation_bits;  ///< one per layer, likewise
};

/// Measures where the quantized networks `before` and `after` (which may be the same graph) deviate
/// from `model`: the SNR of every layer's feature and every block's output in both, the noise that
/// each layer of `after` adds by itself, the SNR gain of the output without it, and advice. Memory:
/// one batch of features, about 256 MiB, and a few sums.
/// @throws ConfigError naming a layer or value that is missing in a network; DataError if there are
/// no samples.
[[nodiscard]] report::Diagnosis diagnose(const pipeline::Model& model,
                                         const DiagnosedNetwork& before,
                                         const DiagnosedNetwork& after,
                                         data::Dataset& dataset,
                                         const std::vector<std::int64_t>& indices,
                                         const DiagnosisOptions& options,
                                         const ProgressHandler& progress = {});

}  // namespace ompq::diagnosis
