#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/runtime/executor.h"

namespace ompq::diagnosis {

/// Measures how much the signal-to-noise ratio of a quantized network's first output increases if
/// one layer is float: its weight and bias are the float ones and its input is not quantized (for
/// all readers), while the rest of the network is unchanged. The part before the layer is computed
/// once. Cost: one pass and, for each layer, the part of the network after its input.
class FloatLayerGain {
 public:
  /// `quantized` must be derived from `float_graph` and have its names; both must outlive this.
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
  /// Gains in dB, one per layer; negative if the layer's errors cancel those of others. Noise 120
  /// dB below the signal is numerical noise of float32: a network with no more than that has no
  /// gains, and gains are limited by it.
  [[nodiscard]] std::vector<std::optional<double>> result() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::diagnosis
