#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ompq/core/matrix_view.h"
#include "ompq/core/progress.h"
#include "ompq/sensitivity/metric.h"

namespace ompq::sensitivity {

/// One entry of a loss table.
struct Cell {
  std::size_t layer = 0;
  std::size_t width = 0;  ///< index into the widths
};

/// Computes a metric's table: gets the data that its row requires (Metric::needs), batch by batch.
/// For each batch the walk passes the float outputs first, then for each layer its float output and
/// those of every width.
class Meter {
 public:
  Meter() = default;
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;
  virtual ~Meter() = default;

  // Needs::Outputs: outputs of the float network, and with one layer quantized.
  virtual void see_float_outputs(const std::vector<Tensor>& /*outputs*/) {}
  virtual void see_outputs(Cell /*cell*/, const std::vector<Tensor>& /*outputs*/) {}
  // Needs::LayerOutput: one row per sample; both views are valid during the call.
  virtual void see_layer(Cell /*cell*/,
                         const MatrixView& /*real*/,
                         const MatrixView& /*quantized*/) {}
  // Needs::Gradients: the samples.
  virtual void see_samples(std::span<const Tensor> /*inputs*/,
                           const ProgressHandler& /*progress*/) {}

  /// Values in the order of the context's layers and widths; Measurement makes them non-increasing
  /// with the width. @throws DataError without samples.
  [[nodiscard]] virtual LossTable result() const = 0;
};

}  // namespace ompq::sensitivity
