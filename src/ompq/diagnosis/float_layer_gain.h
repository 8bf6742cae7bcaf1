#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/runtime/executor.h"

namespace ompq::diagnosis {

/// How much the signal-to-noise ratio of a quantized network's first output grows if one layer is
/// float: its weight and bias are the float ones and its input skips the quantizer (for every
/// reader), while the rest of the network stays as it is. This is measured, not extrapolated; what
/// comes before the layer is computed once. Passes: one and, for each layer, what comes after
/// its input.
class FloatLayerGain {
 public:
  /// `quantized` was made from `float_graph`, keeps its names, and outlives this, as `float_graph`
  /// does.
  /// @throws ConfigError as find_layers.
  FloatLayerGain(const graph::Graph& float_graph,
                 const std::vector<graph::Layer>& layers,
                 const graph::Graph& quantized,
                 runtime::ExecutorOptions options);
  ~FloatLayerGain();
  FloatLayerGain(FloatLayerGain&&) noexcept;
  FloatLayerGain& operator=(FloatLayerGain&&) noexcept;

  /// `output`: the float network's first output for these inputs, float32.
  void add_batch(std::span<const Tensor> inputs, const Tensor& output);
  /// dB, one a layer; below 0 where the layer's errors cancel those of others. Noise 120 dB below
  /// the signal is that of the arithmetic: a network that has no more than that gives nothing, and
  /// no gain goes beyond it.
  [[nodiscard]] std::vector<std::optional<double>> result() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::diagnosis
