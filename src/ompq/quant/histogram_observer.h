#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ompq/core/matrix_view.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/power_error.h"

namespace ompq::quant {

/// Streaming histogram of an activation in bounded memory: at most `bins` equal bins whose width
/// doubles when the values no longer fit (counts are merged pairwise, so no sample is seen twice).
/// Exact minimum and maximum are kept.
///
/// Widths are powers of two and edges are integer multiples of them. So the histogram depends only
/// on the values, not on batches or their order.
class HistogramObserver {
 public:
  /// @throws ConfigError for fewer than 16 bins.
  explicit HistogramObserver(std::int64_t bins = 2048);
  /// @throws DataError for NaN or infinity; ShapeError for a type other than Float32, BFloat16 and
  /// Float64, which is observed as float32.
  void observe(const MatrixView& values);
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] float min() const { return min_; }
  [[nodiscard]] float max() const { return max_; }
  [[nodiscard]] const std::vector<double>& bins() const { return counts_; }
  [[nodiscard]] double bin_width() const;
  /// Start of bin 0, which contains min().
  [[nodiscard]] double lower_edge() const;
  /// Per-tensor quantizer by the method in `options` (granularity is ignored).
  /// @throws DataError if nothing was observed; ConfigError for bad options.
  [[nodiscard]] QuantParams choose_qparams(const ChooseOptions& options) const;

 private:
  void observe_run(const void* data, DataType type, std::int64_t count);
  void observe_chunk(std::span<const float> values);
  void widen_to(float min, float max);
  void add_lanes();
  [[nodiscard]] SliceParams percentile_params(const ChooseOptions& options) const;
  [[nodiscard]] SliceParams searched_params(const ChooseOptions& options) const;

  std::vector<double> counts_;
  std::vector<std::uint32_t> lanes_;  ///< kLanes interleaved histograms, not yet added to counts_
  std::int64_t in_lanes_ = 0;
  int exponent_ = 0;        ///< bins are 2^exponent_ wide
  std::int64_t first_ = 0;  ///< bin 0 begins at first_ * 2^exponent_
  float min_ = 0;
  float max_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace ompq::quant
