#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/graph/layers.h"
#include "ompq/quant/quant_params.h"
#include "ompq/runtime/executor.h"
#include "ompq/sensitivity/loss_table.h"

namespace ompq::sensitivity {

/// The effect of fake-quantizing single activations on the network's outputs.
struct ActivationTable {
  std::vector<graph::ValueId> values;  ///< rows: the inputs of layers, without duplicates
  LossTable mse;                       ///< relative squared error of all outputs, as output-mse
  /// Divergence of the class scores, as output-kl; nullopt if the first output is not class scores.
  std::optional<LossTable> kl;
};

/// Per-tensor quantizer of an activation at a width.
using ActivationQuantizer = std::function<quant::QuantParams(graph::ValueId, BitWidth)>;

/// The inputs of layers, without duplicates, in the order of their first reader. An Executor for
/// ActivationEffect must have them in ExecutorOptions::captured, so that they are not fused away.
[[nodiscard]] std::vector<graph::ValueId> activations_of(const std::vector<graph::Layer>& layers);

/// Accumulates the effect of each activation at each width over batches: all readers of the value,
/// including residual additions, read the quantized one. Cost: one float pass and, for each value
/// and width, the part of the network after the value.
class ActivationEffect {
 public:
  /// @throws ConfigError without widths.
  ActivationEffect(const graph::Graph& graph,
                   const std::vector<graph::Layer>& layers,
                   std::vector<BitWidth> widths,
                   ActivationQuantizer quantizer);
  ~ActivationEffect();
  ActivationEffect(ActivationEffect&&) noexcept;
  ActivationEffect& operator=(ActivationEffect&&) noexcept;

  /// @throws ConfigError if `executor` has fused a value away (see activations_of).
  void add_batch(runtime::Executor& executor,
                 std::span<const Tensor> inputs,
                 const ProgressHandler& progress = {});
  /// @throws DataError if no batch was added or the outputs are all zero.
  [[nodiscard]] ActivationTable result() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::sensitivity
