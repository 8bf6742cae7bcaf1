#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/progress.h"
#include "ompq/graph/layers.h"
#include "ompq/runtime/executor.h"
#include "ompq/sensitivity/loss_table.h"

namespace ompq::sensitivity {

/// Adds up, over batches, how far the network's outputs move when one layer alone is quantized:
/// sum |y_q - y|^2 / sum |y|^2 over all outputs and samples (no unit; 1 = the error is as large as
/// the output). Passes: one float pass and, for each layer and width, the part of the network
/// behind the layer.
class OutputError {
 public:
  OutputError(const std::vector<graph::Layer>& layers,
              std::vector<BitWidth> widths,
              QuantizedWeight quantized);
  /// Runs all layers and widths over one batch; `executor` runs the graph of the layers and is left
  /// unchanged.
  void add_batch(runtime::Executor& executor,
                 const graph::Graph& graph,
                 std::span<const Tensor> inputs,
                 const ProgressHandler& progress = {});
  /// The table so far, made non-increasing in the width (a wider width's excess is measurement
  /// noise).
  /// @throws DataError if no batch was added or the outputs are all zero.
  [[nodiscard]] LossTable result() const;

 private:
  const std::vector<graph::Layer>& layers_;
  std::vector<BitWidth> widths_;
  QuantizedWeight quantized_;
  std::vector<double> squared_error_;
  double squared_output_ = 0;
};

}  // namespace ompq::sensitivity
