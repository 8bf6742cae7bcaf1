#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/data/dataset.h"
#include "ompq/pipeline/model.h"
#include "ompq/report/diagnosis.h"
#include "ompq/runtime/executor.h"

namespace ompq::diagnosis {

/// A network that was made from the float one and keeps the names of its nodes and values.
struct DiagnosedNetwork {
  const graph::Graph& graph;
  /// What its values are held against, where that is another float network of the same function
  /// and names, such as one with equalized channels; nullptr: the model itself.
  const graph::Graph* reference = nullptr;
};

struct DiagnosisOptions {
  std::int64_t batch_size = 64;    ///< at most; less where a batch's features are large
  std::int64_t gain_samples = 32;  ///< for LayerDiagnosis::gain_db, rounded up to batches; 0: none
  /// float32, unless the loss by bfloat16 is to count as noise.
  runtime::ExecutorOptions executor;
  std::vector<int> weight_bits;      ///< one a layer, to speak of; empty: unknown
  std::vector<int> activation_bits;  ///< one a layer, likewise
};

/// Where `before` and `after` (which may be the same graph) lose the signal of `model`: the SNR of
/// every layer's feature and every block's output in both, the noise that each layer of `after`
/// adds by itself, and what the output would gain without it. Advice is in it. Memory: one batch of
/// features, about 256 MiB, and a few sums.
/// @throws ConfigError naming a layer or value that a network lacks; DataError for no samples.
[[nodiscard]] report::Diagnosis diagnose(const pipeline::Model& model,
                                         const DiagnosedNetwork& before,
                                         const DiagnosedNetwork& after,
                                         data::Dataset& dataset,
                                         const std::vector<std::int64_t>& indices,
                                         const DiagnosisOptions& options,
                                         const ProgressHandler& progress = {});

}  // namespace ompq::diagnosis
