#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/errors.h"
#include "ompq/load.h"

namespace ompq {

/// The budget of the quantized network. If several are given, all apply.
struct Budget {
  std::optional<std::int64_t> file_bytes;        ///< `size`
  std::optional<double> average_bits;            ///< `avg-bits`, per weight
  std::optional<double> compression;             ///< `compression`, relative to the float file
  std::optional<std::int64_t> weight_bytes;      ///< `weight-size`
  std::optional<double> bit_operations;          ///< `bops`, for one sample
  std::optional<std::int64_t> activation_bytes;  ///< `act-size`, peak for one sample
  /// `latency`, predicted from `latency_table`.
  std::optional<std::chrono::duration<double, std::micro>> latency;
  std::filesystem::path latency_table;
};

/// One bit-width for each layer, and their cost.
struct Allocation {
  std::string allocator;
  std::vector<int> weight_bits;  ///< in the order of the layers
  double average_bits = 0;       ///< per quantized weight
  std::int64_t bytes = 0;        ///< of the file that quantize() would write
  double bit_operations = 0;     ///< for one sample
  std::string refused;           ///< why this allocator has no allocation for the budget, or ""
};

struct OMPQ_API SearchOptions : Options {
  SearchOptions();
  Samples data;
  Budget budget;
  std::filesystem::path output;  ///< bits.json, for QuantizeOptions::allocation; optional
};

struct Search {
  std::vector<Layer> layers;
  Allocation chosen;
  std::vector<Allocation> others;  ///< for comparison: those of `beside`
  std::string json;
};

/// Chooses the bit-width of each layer under a budget: `ompq search`.
/// @throws InfeasibleBudget naming the smallest budget that can be met.
[[nodiscard]] OMPQ_API Search search_bits(const ModelRef& model, const SearchOptions& options);

struct OMPQ_API LatencyTableOptions : Options {
  LatencyTableOptions();
  std::filesystem::path output;
};

/// Writes an empty table of layer latencies, to be filled in for Budget::latency_table:
/// `ompq latency-table`. @return its JSON description.
OMPQ_API std::string write_latency_table(const ModelRef& model, const LatencyTableOptions& options);

}  // namespace ompq
