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

/// A layer's input in the float network compared with its quantized values.
struct InputNoise {
  pipeline::ValueComparison quantized;  ///< without elements if the input stays float
  std::vector<float> channel_peak;      ///< largest |x| of each channel
  std::int64_t clipped = 0;             ///< number of elements outside the quantizer's range
  double clipping_noise = 0;            ///< sum of (x_q - x)^2 over these

  /// `x` has the order of a capture, channels last; channel_peak must have its size; `step` is the
  /// quantizer's scale.
  void add(std::span<const float> x, std::span<const float> x_q, float step);
  /// Largest channel peak divided by their median, 0 without signal.
  [[nodiscard]] double channel_spread() const;
  /// Largest |x| divided by the root mean square, 0 without signal.
  [[nodiscard]] double peak_to_rms() const;
};

/// The noise that a layer adds by itself, independent of the noise of its input.
struct LayerNoise {
  pipeline::ValueComparison weights;  ///< operator's output: quantized weights on the float input
  pipeline::ValueComparison input;    ///< operator's output: float weights on the quantized input
  InputNoise at_input;
};

/// Measures the LayerNoise of every layer in one forward pass of the float network, in which the
/// two quantized variants of each layer also run. Biases are the float ones. Memory: the live
/// values of the pass, and each layer's values until their pairs are complete.
class LayerNoiseMeter {
 public:
  /// `quantized` must be derived from `float_graph` and have its names. @throws ConfigError as
  /// find_layers.
  LayerNoiseMeter(const graph::Graph& float_graph,
                  const std::vector<graph::Layer>& layers,
                  const graph::Graph& quantized,
                  runtime::ExecutorOptions options);
  ~LayerNoiseMeter();
  LayerNoiseMeter(LayerNoiseMeter&&) noexcept;
  LayerNoiseMeter& operator=(LayerNoiseMeter&&) noexcept;

  void add_batch(std::span<const Tensor> inputs);
  /// One entry per layer. The comparison of a variant that does not differ has no elements.
  [[nodiscard]] const std::vector<LayerNoise>& result() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::diagnosis
