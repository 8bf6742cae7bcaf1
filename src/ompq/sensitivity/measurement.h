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

/// Measures any number of metrics together, over batches in any order. Metrics that need the
/// outputs of the network or of layers share one walk: the float pass goes from layer to layer, and
/// for each width only the part after the layer runs (or only the layer's node, if no metric needs
/// the network's outputs). Gradients are those of the float32 network.
///
/// A metric that cannot be measured on this network or these samples (no class scores, a zero
/// output, no path for a gradient) is dropped; the others are still measured.
class Measurement {
 public:
  /// `graph` and `layers` outlive the measurement. Every weight is quantized once to every width.
  /// @throws ConfigError for unknown or no metrics, no widths, orm-error without one theta per
  /// layer, probes < 1, or a widest_measured below every width.
  Measurement(const graph::Graph& graph,
              const std::vector<graph::Layer>& layers,
              MeasureOptions options,
              QuantizedWeight quantized);
  ~Measurement();
  Measurement(Measurement&&) noexcept;
  Measurement& operator=(Measurement&&) noexcept;

  /// True if any metric needs samples.
  [[nodiscard]] bool needs_samples() const;
  /// `executor` runs the layers' graph and is unchanged afterwards. `inputs`: one tensor for each
  /// network input, samples along dimension 0. Progress (task "sensitivity") counts this batch's
  /// units of work: layers of the walk, samples and probes of the gradients.
  void add_batch(runtime::Executor& executor,
                 std::span<const Tensor> inputs,
                 const ProgressHandler& progress = {});
  /// One table by the name of each metric that was not dropped.
  /// @throws DataError if samples are needed but none were added.
  [[nodiscard]] std::map<std::string, LossTable> result() const;
  /// Why a metric was dropped, by its name; complete after result().
  [[nodiscard]] std::map<std::string, std::string> dropped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::sensitivity
