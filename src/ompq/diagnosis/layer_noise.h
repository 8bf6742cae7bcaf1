#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/pipeline/value_comparison.h"
#include "ompq/runtime/executor.h"

namespace ompq::diagnosis {

/// A layer's input in the float network and what its quantizer makes of it.
struct InputNoise {
  pipeline::ValueComparison quantized;  ///< without elements where the input stays float
  std::vector<float> channel_peak;      ///< largest |x| of each channel
  std::int64_t clipped = 0;             ///< elements outside of the quantizer's range
  double clipping_noise = 0;            ///< sum of (x_q - x)^2 over them

  /// `x` in a capture's order, channels last; channel_peak has its size; `step`: the quantizer's
  /// scale.
  void add(std::span<const float> x, std::span<const float> x_q, float step);
  /// Largest of all channels over their median, 0 without signal.
  [[nodiscard]] double channel_spread() const;
  /// Largest |x| over the root mean square, 0 without signal.
  [[nodiscard]] double peak_to_rms() const;
};

/// The noise that a layer adds by itself, however noisy what comes before it is.
struct LayerNoise {
  pipeline::ValueComparison weights;  ///< operator's output: quantized weights on the float input
  pipeline::ValueComparison input;    ///< operator's output: float weights on the quantized input
  InputNoise at_input;
};

/// Measures LayerNoise of every layer in one forward pass of the float network, at whose layers the
/// two variants of the operator run next to it. Biases are the float ones. Memory: what is alive in
/// the pass, and the values of a layer until their partners are there.
class LayerNoiseMeter {
 public:
  /// `quantized` was made from `float_graph` and keeps its names. @throws ConfigError as
  /// find_layers.
  LayerNoiseMeter(const graph::Graph& float_graph,
                  const std::vector<graph::Layer>& layers,
                  const graph::Graph& quantized,
                  runtime::ExecutorOptions options);
  ~LayerNoiseMeter();
  LayerNoiseMeter(LayerNoiseMeter&&) noexcept;
  LayerNoiseMeter& operator=(LayerNoiseMeter&&) noexcept;

  void add_batch(std::span<const Tensor> inputs);
  /// One entry a layer. An operator that is not changed has a comparison without elements.
  [[nodiscard]] const std::vector<LayerNoise>& result() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::diagnosis
