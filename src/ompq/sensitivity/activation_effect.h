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

/// What fake-quantizing each activation alone does to the network's outputs.
struct ActivationTable {
  std::vector<graph::ValueId> values;  ///< rows: what layers read, each once
  LossTable mse;                       ///< relative squared error of all outputs, as output-mse
  /// Divergence of the class scores, as output-kl; nothing where the first output is no class
  /// scores.
  std::optional<LossTable> kl;
};

/// Per-tensor quantizer of an activation at a width.
using ActivationQuantizer = std::function<quant::QuantParams(graph::ValueId, BitWidth)>;

/// The values that the layers read, each once, in the order of their first reader. An Executor that
/// ActivationEffect walks with has them in ExecutorOptions::captured, so that fusion keeps them.
[[nodiscard]] std::vector<graph::ValueId> activations_of(const std::vector<graph::Layer>& layers);

/// Adds up, over batches, the effect of each activation at each width: every reader of the value,
/// residual additions included, reads the quantized one. Passes: one float pass and, for each value
/// and width, what comes after the value.
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
