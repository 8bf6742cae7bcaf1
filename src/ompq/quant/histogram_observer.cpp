#include "ompq/quant/histogram_observer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"
#include "ompq/quant/options_check.h"
#include "ompq/quant/range_search.h"
#include "ompq/quant/simd.h"
#include "ompq/quant/slices.h"

namespace ompq::quant {
namespace {

/// A chunk and its bin numbers fit in the L1 cache.
constexpr std::int64_t kChunk = 2048;
/// Neighbouring elements use separate histograms, so that a run of equal values (zeros after a
/// ReLU) does not serialize on one counter.
constexpr std::int64_t kLanes = 4;

struct MinMax {
  float min;
  float max;
};

OMPQ_VECTOR_CLONES MinMax min_max_of(const float* x, std::int64_t count) {
  float min = x[0];
  float max = x[0];
#pragma omp simd reduction(min : min) reduction(max : max)
  for (std::int64_t i = 0; i < count; ++i) {
    min = x[i] < min ? x[i] : min;
    max = x[i] > max ? x[i] : max;
  }
  return {min, max};
}

OMPQ_VECTOR_CLONES void bin_numbers(const float* x,
                                    std::int32_t* bins,
                                    std::int64_t count,
                                    float bins_per_unit,
                                    std::int32_t first) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float at = x[i] * bins_per_unit;  // exact: a power of two
    const auto towards_zero = static_cast<std::int32_t>(at);
    const std::int32_t is_below = at < static_cast<float>(towards_zero) ? 1 : 0;
    bins[i] = towards_zero - is_below - first;
  }
}

std::int64_t bin_of(double x, int exponent) {
  return static_cast<std::int64_t>(std::floor(std::ldexp(x, -exponent)));
}

/// The smallest exponent with which `bins` bins of width 2^exponent cover min..max, limited so that
/// bin numbers fit in float32's 24 bits.
int exponent_for(double min, double max, std::int64_t bins) {
  const double reach = std::max(std::abs(min), std::abs(max));
  int exponent = reach > 0 ? std::max(std::ilogb(reach) - 22, -126) : -126;
  while (bin_of(max, exponent) - bin_of(min, exponent) >= bins) ++exponent;
  return exponent;
}

/// Counts over equal bins; bin 0 starts at `lower`.
struct Bins {
  std::vector<double> counts;
  double lower;
  double width;

  /// Approximately the rank-th smallest value, 0-based; the error is less than a bin.
  [[nodiscard]] double value_at(std::int64_t rank) const {
    const auto target = static_cast<double>(rank);
    double before = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (before + counts[i] > target) {
        const double within = (target - before + 0.5) / counts[i];
        return lower + (static_cast<double>(i) + within) * width;
      }
      before += counts[i];
    }
    return lower + static_cast<double>(counts.size()) * width;
  }
};

/// The histogram of |x|: zero is a bin edge, so negative bin j is added to bin -1 - j.
Bins folded(const std::vector<double>& counts, std::int64_t first, double width) {
  const std::int64_t last = first + static_cast<std::int64_t>(counts.size()) - 1;
  const std::int64_t reach = std::max(first < 0 ? -1 - first : first, last < 0 ? -1 - last : last);
  std::vector<double> result(static_cast<std::size_t>(reach + 1));
  for (std::int64_t j = first; j <= last; ++j) {
    result[static_cast<std::size_t>(j < 0 ? -1 - j : j)] +=
        counts[static_cast<std::size_t>(j - first)];
  }
  return {std::move(result), 0, width};
}

}  // namespace

HistogramObserver::HistogramObserver(std::int64_t bins) {
  if (bins < 16) {
    throw ConfigError("histogram",
                      fmt::format("{} bins are too few for a distribution; use 16 or more", bins));
  }
  counts_.resize(static_cast<std::size_t>(bins));
  lanes_.resize(static_cast<std::size_t>(bins * kLanes));
}

double HistogramObserver::bin_width() const { return std::ldexp(1.0, exponent_); }
double HistogramObserver::lower_edge() const {
  return std::ldexp(static_cast<double>(first_), exponent_);
}

void HistogramObserver::observe(const MatrixView& values) {
  const bool together = values.row_stride == values.cols;
  const std::int64_t rows = together ? 1 : values.rows;
  const std::int64_t cols = together ? values.rows * values.cols : values.cols;
  const auto row_bytes = static_cast<std::size_t>(values.row_stride) * size_of(values.type);
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto* row =
        static_cast<const std::byte*>(values.data) + static_cast<std::size_t>(r) * row_bytes;
    observe_run(row, values.type, cols);
  }
  add_lanes();
}

void HistogramObserver::observe_run(const void* data, DataType type, std::int64_t count) {
  std::array<float, kChunk> converted;  // NOLINT: filled below
  for (std::int64_t at = 0; at < count; at += kChunk) {
    const auto length = static_cast<std::size_t>(std::min(kChunk, count - at));
    switch (type) {
      case DataType::Float32:
        observe_chunk({static_cast<const float*>(data) + at, length});
        continue;
      case DataType::BFloat16:
        std::transform(static_cast<const std::uint16_t*>(data) + at,
                       static_cast<const std::uint16_t*>(data) + at + length,
                       converted.begin(),
                       bfloat16_to_float);
        break;
      case DataType::Float64:
        std::transform(static_cast<const double*>(data) + at,
                       static_cast<const double*>(data) + at + length,
                       converted.begin(),
                       [](double x) { return static_cast<float>(x); });
        break;
      default:
        throw ShapeError("histogram",
                         fmt::format("cannot observe {} values; only float32, bfloat16 and float64",
                                     name_of(type)));
    }
    observe_chunk({converted.data(), length});
  }
}

void HistogramObserver::observe_chunk(std::span<const float> values) {
  require_finite(values);
  const auto count = static_cast<std::int64_t>(values.size());
  const MinMax range = min_max_of(values.data(), count);
  if (count_ == 0 || range.min < min_ || range.max > max_) widen_to(range.min, range.max);

  std::array<std::int32_t, kChunk> bins;  // NOLINT: filled below
  bin_numbers(values.data(),
              bins.data(),
              count,
              std::ldexp(1.0F, -exponent_),
              static_cast<std::int32_t>(first_));
  for (std::int64_t i = 0; i < count; ++i) {
    ++lanes_[static_cast<std::size_t>(bins[static_cast<std::size_t>(i)] * kLanes + i % kLanes)];
  }
  count_ += count;
  in_lanes_ += count;
  if (in_lanes_ > (std::int64_t{1} << 30)) add_lanes();
}

/// Extends the histogram to min..max: bins are merged in pairs until they cover it, and shifted so
/// that bin 0 contains the smallest value.
void HistogramObserver::widen_to(float min, float max) {
  add_lanes();
  const bool is_first = count_ == 0;
  min_ = is_first ? min : std::min(min_, min);
  max_ = is_first ? max : std::max(max_, max);
  const int exponent = exponent_for(min_, max_, static_cast<std::int64_t>(counts_.size()));
  const std::int64_t first = bin_of(min_, exponent);
  if (!is_first) {
    std::vector<double> moved(counts_.size());
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      const std::int64_t old_bin = first_ + static_cast<std::int64_t>(i);
      const int halvings = std::min(exponent - exponent_, 62);
      moved[static_cast<std::size_t>((old_bin >> halvings) - first)] += counts_[i];
    }
    counts_ = std::move(moved);
  }
  exponent_ = exponent;
  first_ = first;
}

void HistogramObserver::add_lanes() {
  if (in_lanes_ == 0) return;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    counts_[i / static_cast<std::size_t>(kLanes)] += lanes_[i];
  }
  std::fill(lanes_.begin(), lanes_.end(), 0U);
  in_lanes_ = 0;
}

QuantParams HistogramObserver::choose_qparams(const ChooseOptions& options) const {
  check_options(options);
  if (count_ == 0) {
    throw DataError("histogram", "no values were observed; run at least one sample first");
  }
  SliceParams chosen;
  switch (options.method) {
    case RangeMethod::MinMax:
      chosen = params_of_range(min_, max_, options.bits, options.symmetry);
      break;
    case RangeMethod::Percentile:
      chosen = percentile_params(options);
      break;
    case RangeMethod::ErrorSearch:
      chosen = searched_params(options);
      break;
  }
  return {options.bits,
          options.symmetry,
          Granularity::per_tensor(),
          {chosen.scale},
          {chosen.zero_point}};
}

SliceParams HistogramObserver::percentile_params(const ChooseOptions& options) const {
  const auto within = [this](double x) {
    return std::clamp(x, static_cast<double>(min_), static_cast<double>(max_));
  };
  if (options.symmetry == Symmetry::Symmetric) {
    const Bins magnitudes = folded(counts_, first_, bin_width());
    const double limit = std::max(std::abs(min_), std::abs(max_));
    const std::int64_t inside = count_ - values_outside(count_, options.percentile);
    const double reach = std::min(magnitudes.value_at(inside - 1), limit);
    return params_of_range(-reach, reach, options.bits, options.symmetry);
  }
  const Bins bins{counts_, lower_edge(), bin_width()};
  const Tails tails = split_outside(count_, options.percentile, min_, max_);
  return params_of_range(tails.below == 0 ? min_ : within(bins.value_at(tails.below)),
                         tails.above == 0 ? max_ : within(bins.value_at(count_ - 1 - tails.above)),
                         options.bits,
                         options.symmetry);
}

SliceParams HistogramObserver::searched_params(const ChooseOptions& options) const {
  // Several points per bin: at 8 bits a quantizer's scale is hardly larger than a bin.
  constexpr int kPoints = 4;
  std::vector<float> values;
  std::vector<float> weights;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    for (int k = 0; k < kPoints; ++k) {
      const double at = static_cast<double>(i) + (k + 0.5) / kPoints;
      const double value = lower_edge() + at * bin_width();
      values.push_back(std::clamp(static_cast<float>(value), min_, max_));
      weights.push_back(static_cast<float>(counts_[i] / kPoints));
    }
  }
  return search_range({values, weights}, min_, max_, options);
}

}  // namespace ompq::quant
