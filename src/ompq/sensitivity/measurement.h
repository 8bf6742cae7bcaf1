#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/runtime/executor.h"
#include "ompq/sensitivity/metric.h"

namespace ompq::sensitivity {

/// Measures any number of metrics in one go, over batches in any order. Metrics that need the
/// network's outputs, or a layer's own, share one walk: the float pass goes from layer to layer,
/// and at each of them every width runs only what comes after it (or, where no metric asks for
/// the network's outputs, the layer's node alone). Gradients are those of the float32 network.
///
/// A metric that cannot be measured on this network or these samples (no row of class scores, an
/// output that is zero, no path for a gradient) is dropped, and the others go on.
class Measurement {
 public:
  /// `graph` and `layers` outlive the measurement. Every weight is quantized once to every width.
  /// @throws ConfigError for unknown or no metrics, no widths, orm-error without one theta a layer,
  /// probes < 1, or a widest_measured below every width.
  Measurement(const graph::Graph& graph,
              const std::vector<graph::Layer>& layers,
              MeasureOptions options,
              QuantizedWeight quantized);
  ~Measurement();
  Measurement(Measurement&&) noexcept;
  Measurement& operator=(Measurement&&) noexcept;

  /// True if any of the metrics has to see samples.
  [[nodiscard]] bool needs_samples() const;
  /// `executor` runs the graph of the layers and is left as it was. `inputs`: one tensor for each
  /// network input, samples along dimension 0. Progress (task "sensitivity") counts this batch's
  /// units of work: layers of the walk, samples and probes of the gradients.
  void add_batch(runtime::Executor& executor,
                 std::span<const Tensor> inputs,
                 const ProgressHandler& progress = {});
  /// One table by the name of each metric that was not dropped.
  /// @throws DataError if samples are needed and none came.
  [[nodiscard]] std::map<std::string, LossTable> result() const;
  /// Why a metric was dropped, by its name; complete after result().
  [[nodiscard]] std::map<std::string, std::string> dropped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::sensitivity
