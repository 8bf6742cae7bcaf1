#include "ompq/allocation/budget.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

/// Far above any network and far below overflow when costs are added up.
constexpr double kLargestLimit = 0x1p60;

std::int64_t whole(double amount) {
  // A limit of 3.1 bits x 1,000 weights must not lose a bit to the way 3.1 is stored.
  const double rounded = std::floor(amount * (1 + 1e-12) + 1e-9);
  return static_cast<std::int64_t>(std::min(rounded, kLargestLimit));
}

double positive(double value, std::string_view name) {
  if (std::isfinite(value) && value > 0) return value;
  throw ConfigError("allocation",
                    fmt::format("the budget's {} is {}; it must be positive", name, value));
}

std::int64_t weights_of(std::span<const LayerCost> layers) {
  std::int64_t weights = 0;
  for (const LayerCost& layer : layers) weights += layer.weight_count;
  return weights;
}

std::int64_t float_size(std::span<const LayerCost> layers,
                        const CostOptions& options,
                        std::int64_t float_bytes) {
  if (options.accounting == Accounting::Paper) {
    std::int64_t parameters = 0;
    for (const LayerCost& layer : layers) parameters += paper_parameters(layer);
    return 4 * parameters;
  }
  if (float_bytes > 0) return float_bytes;
  throw ConfigError("allocation",
                    "a compression needs the size of the float network; give a size in bytes or "
                    "use the accounting 'paper'");
}

}  // namespace

std::vector<Constraint> constraints_of(const Budget& budget,
                                       std::span<const LayerCost> layers,
                                       const CostOptions& options,
                                       std::int64_t float_bytes) {
  if (budget.empty()) {
    throw ConfigError("allocation", "there is no budget; give a size or average bits");
  }
  const std::int64_t fixed = options.accounting == Accounting::Disk ? 8 * options.fixed_bytes : 0;
  std::vector<Constraint> constraints;
  if (budget.bytes) {
    const double bits = 8 * positive(static_cast<double>(*budget.bytes), "size in bytes");
    constraints.push_back({Quantity::SizeBits, whole(bits), fixed, 0});
  }
  if (budget.compression) {
    const auto size = static_cast<double>(float_size(layers, options, float_bytes));
    const double bytes = size / positive(*budget.compression, "compression");
    constraints.push_back({Quantity::SizeBits, whole(8 * std::floor(bytes)), fixed, 0});
  }
  if (budget.average_bits) {
    const std::int64_t weights = weights_of(layers);
    const double bits =
        positive(*budget.average_bits, "average bits") * static_cast<double>(weights);
    constraints.push_back({Quantity::WeightBits, whole(bits), 0, weights});
  }
  if (budget.bops) {
    constraints.push_back({Quantity::Bops, whole(positive(*budget.bops, "BOPs")), 0, 0});
  }
  return constraints;
}

std::int64_t cost_of(const LayerCost& layer,
                     int weight_bits,
                     int activation_bits,
                     Quantity quantity,
                     const CostOptions& options) {
  switch (quantity) {
    case Quantity::SizeBits:
      return size_bits(layer, weight_bits, options);
    case Quantity::WeightBits:
      return layer.weight_count * weight_bits;
    case Quantity::Bops:
      return bit_operations(layer, weight_bits, activation_bits, options.mac_count);
  }
  throw InternalError("allocation", "unknown quantity");
}

std::string describe(const Budget& budget) {
  std::vector<std::string> parts;
  if (budget.bytes) parts.push_back(format_bytes(*budget.bytes));
  if (budget.compression) parts.push_back(fmt::format("{:g}x smaller", *budget.compression));
  if (budget.average_bits)
    parts.push_back(fmt::format("{:.2f} bits a weight", *budget.average_bits));
  if (budget.bops) parts.push_back(fmt::format("{:.2f} GBOPs", *budget.bops / 1e9));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace ompq::allocation
