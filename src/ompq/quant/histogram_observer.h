#pragma once

#include <cstdint>
#include <vector>

#include "ompq/core/matrix_view.h"
#include "ompq/quant/choose_qparams.h"

namespace ompq::quant {

/// Streaming histogram of an activation in bounded memory: `bins` equal bins over a range that
/// doubles when a value falls outside of it (counts are merged pairwise, so no sample is seen
/// twice). Exact minimum and maximum are kept.
class HistogramObserver {
 public:
  explicit HistogramObserver(std::int64_t bins = 2048);
  /// @throws DataError for NaN or infinity.
  void observe(const MatrixView& values);
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] float min() const { return min_; }
  [[nodiscard]] float max() const { return max_; }
  [[nodiscard]] const std::vector<double>& bins() const { return counts_; }
  [[nodiscard]] double bin_width() const { return width_; }
  [[nodiscard]] double lower_edge() const { return lower_; }
  /// Per-tensor quantizer by the method in `options` (granularity is ignored).
  /// @throws DataError if nothing was observed.
  [[nodiscard]] QuantParams choose_qparams(const ChooseOptions& options) const;

 private:
  std::vector<double> counts_;
  double lower_ = 0;
  double width_ = 0;
  float min_ = 0;
  float max_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace ompq::quant
