#pragma once

#include <cstdint>
#include <optional>
#include <string>

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

  [[nodiscard]] bool empty() const {
    return !bytes && !average_bits && !compression && !bops && !weight_bytes && !activation_bytes &&
           !latency_us;
  }
};

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
[[nodiscard]] std::string exact_text(const Budget& budget);

}  // namespace ompq::allocation
