#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/allocation/cost_model.h"
#include "ompq/allocation/problem.h"

namespace ompq::allocation {

/// What the network may cost; all that are set hold together.
struct Budget {
  std::optional<std::int64_t> bytes;   ///< --size, under CostOptions::accounting
  std::optional<double> average_bits;  ///< --avg-bits: weight bits / weights
  std::optional<double> compression;   ///< --compression: float bytes / bytes
  std::optional<double> bops;          ///< --bops

  [[nodiscard]] bool empty() const { return !bytes && !average_bits && !compression && !bops; }
};

/// Which quantity each set budget limits and how a layer adds to it.
/// @param float_bytes  size of the unquantized network, needed for `compression` alone.
/// @throws ConfigError if nothing is set, or a number is not positive and finite.
[[nodiscard]] std::vector<Constraint> constraints_of(const Budget& budget,
                                                     std::span<const LayerCost> layers,
                                                     const CostOptions& options,
                                                     std::int64_t float_bytes);

/// What `layer` at a width adds to a constraint of `quantity`.
[[nodiscard]] std::int64_t cost_of(const LayerCost& layer,
                                   int weight_bits,
                                   int activation_bits,
                                   Quantity quantity,
                                   const CostOptions& options);

/// "6.70 MiB", "3.00 bits a weight, 75.0 GBOPs".
[[nodiscard]] std::string describe(const Budget& budget);

}  // namespace ompq::allocation
