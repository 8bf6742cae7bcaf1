#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "ompq/core/matrix_view.h"
#include "ompq/runtime/executor.h"

namespace ompq::pipeline {

/// Sums over elements of a value in two networks, a (what it should be) and b, added up batch by
/// batch.
struct ValueComparison {
  double signal = 0;  ///< sum of a^2
  double other = 0;   ///< sum of b^2
  double product = 0;
  double noise = 0;    ///< sum of (b - a)^2
  double largest = 0;  ///< |b - a|
  std::int64_t elements = 0;

  /// @throws ShapeError where the sizes differ.
  void add(std::span<const float> a, std::span<const float> b);
  /// 10 log10(signal / noise); nothing where one of them is zero or not finite.
  [[nodiscard]] std::optional<double> snr_db() const;
  /// product / sqrt(signal * other); nothing where one of them is zero or not finite.
  [[nodiscard]] std::optional<double> cosine() const;
  /// False where a NaN or an infinity was met in a or b.
  [[nodiscard]] bool finite() const;
};

/// Rows one after the other, as float32.
[[nodiscard]] std::vector<float> floats_of(const MatrixView& rows);

/// What one forward pass made of the values that `executor` captures, in a capture's order of
/// elements.
struct CapturedBatch {
  std::map<graph::ValueId, std::vector<float>> values;
  std::vector<Tensor> outputs;
};
[[nodiscard]] CapturedBatch run_captured(runtime::Executor& executor,
                                         std::span<const Tensor> inputs);

/// Samples whose values at `watched` together take about 256 MiB as float32: at least 1, at most
/// `wanted`, and the batch that the graph itself fixes, if it does.
[[nodiscard]] std::int64_t capture_batch_size(const graph::Graph& graph,
                                              std::span<const graph::ValueId> watched,
                                              std::int64_t wanted);

}  // namespace ompq::pipeline
