#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/block_graph.h"
#include "ompq/rounding/network_codes.h"
#include "ompq/rounding/sample_cache.h"
#include "ompq/runtime/executor.h"

namespace ompq::reconstruction {

/// The part as in the quantized network: weights with codes are dequantized, biases are rounded,
/// activations are quantized where the part reads them.
/// @param layers  of the whole network.
/// @param codes   of the whole network; codes of other parts are ignored.
[[nodiscard]] graph::Graph quantized_part(const rounding::PartGraph& part,
                                          const std::vector<graph::Layer>& layers,
                                          const rounding::NetworkCodes& codes);

/// One value of a network for every sample; 4-D values are stored as H, W, C.
struct CachedValue {
  std::string name;
  std::shared_ptr<rounding::SampleCache> cache;
};

/// Writes the first `rows` samples (row-major, as from a dataset) to the cache starting at row
/// `first`; 4-D values as H, W, C.
void cache_samples(const Tensor& samples,
                   std::int64_t first,
                   std::int64_t rows,
                   rounding::SampleCache& cache);

/// Runs a graph repeatedly on rows of caches.
class CachedForward {
 public:
  using UseOutput = std::function<void(std::size_t output, std::int64_t first, const MatrixView&)>;

  /// @param batch  maximum number of rows at once; a graph with a fixed batch runs row by row.
  CachedForward(graph::Graph graph, std::int64_t batch, runtime::ExecutorOptions options);

  /// @param inputs  in the order of the graph's inputs.
  /// @param use   is called with each output of some rows; `first` is the position in `rows`.
  void run(std::span<const std::shared_ptr<rounding::SampleCache>> inputs,
           std::span<const std::int64_t> rows,
           const UseOutput& use);

 private:
  graph::Graph graph_;
  std::int64_t batch_;
  runtime::Executor executor_;
  std::vector<std::size_t> order_;  ///< of outputs, by computation
};

/// Runs `graph` over the rows of its inputs' caches (in the order of graph.inputs()) and writes its
/// outputs into theirs.
/// @param batch  as of CachedForward.
void run_cached(const graph::Graph& graph,
                std::span<const std::shared_ptr<rounding::SampleCache>> inputs,
                std::span<const std::shared_ptr<rounding::SampleCache>> outputs,
                std::int64_t batch,
                const runtime::ExecutorOptions& executor);

/// Squared difference and squared target, summed over rows.
struct BlockError {
  double noise = 0.0;   ///< weighted if there are weights
  double signal = 0.0;  ///< likewise
  [[nodiscard]] double snr_db() const;
};

/// The error of `graph` (one input, one output) relative to `targets` on `rows`, in float32.
/// @param weights  roots of the squared error's weights, or null.
[[nodiscard]] BlockError measure_error(const graph::Graph& graph,
                                       const std::shared_ptr<rounding::SampleCache>& inputs,
                                       const rounding::SampleCache& targets,
                                       const rounding::SampleCache* weights,
                                       std::span<const std::int64_t> rows,
                                       std::int64_t batch,
                                       int threads);

}  // namespace ompq::reconstruction
