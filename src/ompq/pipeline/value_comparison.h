#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "ompq/core/matrix_view.h"
#include "ompq/runtime/executor.h"

namespace ompq::pipeline {

/// Sums over elements of a value in two networks, a (the reference) and b, accumulated over
/// batches.
struct ValueComparison {
  double signal = 0;  ///< sum of a^2
  double other = 0;   ///< sum of b^2
  double product = 0;
  double noise = 0;    ///< sum of (b - a)^2
  double largest = 0;  ///< |b - a|
  std::int64_t elements = 0;

  /// @throws ShapeError if the sizes differ.
  void add(std::span<const float> a, std::span<const float> b);
  /// 10 log10(signal / noise); nullopt if one of them is zero or not finite.
  [[nodiscard]] std::optional<double> snr_db() const;
  /// product / sqrt(signal * other); nullopt if one of them is zero or not finite.
  [[nodiscard]] std::optional<double> cosine() const;
  /// False if a or b has NaN or infinity.
  [[nodiscard]] bool finite() const;
};

/// Contiguous rows as float32.
[[nodiscard]] std::vector<float> floats_of(const MatrixView& rows);

/// The captured values of one forward pass, in the element order of captures.
struct CapturedBatch {
  std::map<graph::ValueId, std::vector<float>> values;
  std::vector<Tensor> outputs;
};
[[nodiscard]] CapturedBatch run_captured(runtime::Executor& executor,
                                         std::span<const Tensor> inputs);

/// Number of samples whose values at `watched` take about 256 MiB as float32: at least 1, at most
/// `wanted`; the graph's fixed batch, if it has one.
[[nodiscard]] std::int64_t capture_batch_size(const graph::Graph& graph,
                                              std::span<const graph::ValueId> watched,
                                              std::int64_t wanted);

}  // namespace ompq::pipeline
