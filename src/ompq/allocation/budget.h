#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ompq/fields/declare.h"

namespace ompq::allocation {

/// Limits for the network's cost. All that are set apply, exactly.
struct Budget {
  std::optional<std::int64_t> bytes;         ///< --size, under CostOptions::accounting
  std::optional<double> average_bits;        ///< --avg-bits: weight bits / weights, quantized ones
  std::optional<double> compression;         ///< --compression: float bytes / bytes
  std::optional<double> bops;                ///< --bops
  std::optional<std::int64_t> weight_bytes;  ///< only codes: no scales, biases or overhead
  std::optional<std::int64_t> activation_bytes;  ///< --act-size: peak of live activations
  std::optional<double> latency_us;              ///< --latency: microseconds, from a measured table

  [[nodiscard]] bool empty() const { return *this == Budget{}; }
  friend bool operator==(const Budget&, const Budget&) = default;
};

template <typename Binder>
void bind_options(Binder& binder, Budget& budget) {
  binder.bind("size", budget.bytes);
  binder.bind("avg-bits", budget.average_bits);
  binder.bind("compression", budget.compression);
  binder.bind("bops", budget.bops);
  binder.bind("weight-size", budget.weight_bytes);
  binder.bind("act-size", budget.activation_bytes);
  binder.bind("latency", budget.latency_us);
}

/// How many limits are set.
[[nodiscard]] int limit_count(Budget budget);

/// Far above any network's cost, and far below overflow of sums.
inline constexpr double kLargestLimit = 0x1p60;

/// A limit for the solver: `amount` rounded down, robust against the rounding of decimal numbers.
[[nodiscard]] std::int64_t whole_limit(double amount);

/// @throws ConfigError naming a budget that is not positive and finite, or if there is none.
void validate(const Budget& budget);

/// "6.70 MiB", "3.00 bits a weight, 75.0 GBOPs, 1.00 MiB of activations, 850 us".
[[nodiscard]] std::string describe(const Budget& budget);

/// The same exactly and in few bytes, with the names of the options: "size=1572864 avg-bits=3.5".
/// Sizes are bytes, BOPs and microseconds plain numbers. Empty if there is no budget.
[[nodiscard]] std::string exact_text(Budget budget);

template <typename Visitor, fields::Of<Budget> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Budget", "Limits on the network's cost.");
  v("bytes", s.bytes, "size of the file, counted as `accounting` says", fields::kCount);
  v("average_bits",
    s.average_bits,
    "weight bits per weight, over quantized weights",
    fields::kCount);
  v("compression", s.compression, "float size / size", fields::kCount);
  v("bops", s.bops, "bit operations for one sample", fields::kCount);
  v("weight_bytes", s.weight_bytes, "codes only", fields::kCount);
  v("activation_bytes",
    s.activation_bytes,
    "peak memory of the activations alive at once",
    fields::kCount);
  v("latency_us", s.latency_us, "microseconds, from a table of measurements", fields::kCount);
}

}  // namespace ompq::allocation
