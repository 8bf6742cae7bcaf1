#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ompq/quant/quantized_tensor.h"
#include "ompq/runtime/executor.h"
#include "ompq/tuning/block_graph.h"
#include "ompq/tuning/network_codes.h"
#include "ompq/tuning/sample_cache.h"

namespace ompq::tuning {

/// The part as the quantized network will run it: weights that have codes are what the codes stand
/// for, biases are rounded, activations are quantized wherever the part reads them.
/// @param layers  of the whole network.
/// @param codes   of the whole network; what the part lacks is left out.
[[nodiscard]] graph::Graph quantized_part(const PartGraph& part,
                                          const std::vector<graph::Layer>& layers,
                                          const NetworkCodes& codes);

/// One value of a network for every sample; 4-D values lie as H, W, C.
struct CachedValue {
  std::string name;
  std::shared_ptr<SampleCache> cache;
};

/// Puts the first `rows` samples (row-major, as a dataset gives them) into the cache from row
/// `first` on; 4-D values as H, W, C.
void cache_samples(const Tensor& samples,
                   std::int64_t first,
                   std::int64_t rows,
                   SampleCache& cache);

/// Runs `graph` over the rows of its inputs' caches (in the order of graph.inputs()) and writes its
/// outputs into theirs.
/// @param batch  rows at once; a graph of a fixed batch runs row by row.
void run_cached(const graph::Graph& graph,
                std::span<const std::shared_ptr<SampleCache>> inputs,
                std::span<const std::shared_ptr<SampleCache>> outputs,
                std::int64_t batch,
                const runtime::ExecutorOptions& executor);

/// Squared difference and squared target, summed over rows.
struct BlockError {
  double noise = 0.0;   ///< weighted where there are weights
  double signal = 0.0;  ///< likewise
  [[nodiscard]] double snr_db() const;
};

/// How far `graph` (one input, one output) stays from `targets` on `rows`, in float32.
/// @param weights  roots of the squared error's weights, or null.
[[nodiscard]] BlockError measure_error(const graph::Graph& graph,
                                       const std::shared_ptr<SampleCache>& inputs,
                                       const SampleCache& targets,
                                       const SampleCache* weights,
                                       std::span<const std::int64_t> rows,
                                       std::int64_t batch,
                                       int threads);

}  // namespace ompq::tuning
