#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/graph/layers.h"
#include "ompq/runtime/executor.h"
#include "ompq/sensitivity/loss_table.h"

namespace ompq::sensitivity {

/// Interaction of two layers: their joint loss minus their single losses; negative if their errors
/// cancel.
struct PairLoss {
  std::size_t first = 0;  ///< layer; first < second
  std::size_t second = 0;
  std::vector<double> values;  ///< [width of first][width of second], row-major
};

struct PairwiseTable {
  std::vector<BitWidth> widths;  ///< ascending
  std::vector<PairLoss> pairs;
  std::int64_t left_out = 0;  ///< pairs within blocks that exceed max_pairs
};

struct PairwiseOptions {
  std::string metric = "output-mse";  ///< a row of metrics() that has an output_loss
  std::vector<BitWidth> widths;       ///< of the table
  /// Widths at which pairs are measured; empty: the smallest of `widths` and the one nearest to 4.
  std::vector<BitWidth> measured{};
  std::int64_t max_pairs = 256;  ///< closest layers first
};

/// Interaction of layers in the same block: loss(i at a, j at b) - loss(i at a) - loss(j at b).
/// Cost: for each layer of a pair and measured width the part of the network after it, and for each
/// pair and two measured widths the part after the second layer; the prefix with the first layer
/// quantized is shared between pairs.
///
/// Other width pairs are from a separable fit: to first order the interaction is bilinear in the
/// two weight changes, so value(a, b) = k s_i(a) s_j(b) with s = sqrt(loss of the layer alone) and
/// k fitted to the measured width pairs by least squares. Source: Deng et al. 2023 (CLADO), arXiv
/// 2307.05657.
class PairwiseEffect {
 public:
  /// @throws ConfigError for another metric, no widths, or measured widths that are not in
  /// `widths`; DataError for output-kl if the first output is not rows of class scores.
  PairwiseEffect(const graph::Graph& graph,
                 const graph::Discovery& discovery,
                 PairwiseOptions options,
                 QuantizedWeight quantized);
  ~PairwiseEffect();
  PairwiseEffect(PairwiseEffect&&) noexcept;
  PairwiseEffect& operator=(PairwiseEffect&&) noexcept;

  /// `executor` is unchanged afterwards.
  void add_batch(runtime::Executor& executor,
                 std::span<const Tensor> inputs,
                 const ProgressHandler& progress = {});
  /// @param alone  the table of options.metric for all layers and widths, from Measurement.
  /// @throws DataError if no batch was added; ShapeError if `alone` lacks layers or widths.
  [[nodiscard]] PairwiseTable result(const LossTable& alone) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::sensitivity
