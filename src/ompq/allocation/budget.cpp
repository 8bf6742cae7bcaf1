#include "ompq/allocation/budget.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

void require_positive(const std::optional<double>& value, std::string_view name) {
  if (!value || (std::isfinite(*value) && *value > 0)) return;
  throw ConfigError("allocation",
                    fmt::format("the budget's {} is {}; it must be positive", name, *value));
}

/// "size=1572864" of each limit that is set.
struct LimitTexts {
  std::vector<std::string> parts;

  template <typename T>
  void bind(std::string_view name, const std::optional<T>& limit) {
    if (limit) parts.push_back(fmt::format("{}={}", name, *limit));
  }
};

}  // namespace

std::int64_t whole_limit(double amount) {
  // A limit of 3.1 bits x 1,000 weights must not lose a bit to the rounding of 3.1.
  const double rounded = std::floor(amount * (1 + 1e-12) + 1e-9);
  return static_cast<std::int64_t>(std::min(rounded, kLargestLimit));
}

void validate(const Budget& budget) {
  if (budget.empty()) {
    throw ConfigError("allocation", "no budget; give a size or average bits");
  }
  const auto as_double = [](const std::optional<std::int64_t>& number) {
    return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
  };
  require_positive(as_double(budget.bytes), "size in bytes");
  require_positive(budget.compression, "compression");
  require_positive(budget.average_bits, "average bits");
  require_positive(budget.bops, "BOPs");
  require_positive(as_double(budget.weight_bytes), "bytes of weights");
  require_positive(as_double(budget.activation_bytes), "bytes of activations");
  require_positive(budget.latency_us, "latency in microseconds");
}

std::string describe(const Budget& budget) {
  std::vector<std::string> parts;
  if (budget.bytes) parts.push_back(format_bytes(*budget.bytes));
  if (budget.compression) parts.push_back(fmt::format("{:g}x smaller", *budget.compression));
  if (budget.average_bits)
    parts.push_back(fmt::format("{:.2f} bits a weight", *budget.average_bits));
  if (budget.bops) parts.push_back(fmt::format("{:.2f} GBOPs", *budget.bops / 1e9));
  if (budget.weight_bytes) parts.push_back(format_bytes(*budget.weight_bytes) + " of weights");
  if (budget.activation_bytes) {
    parts.push_back(format_bytes(*budget.activation_bytes) + " of activations");
  }
  if (budget.latency_us) parts.push_back(fmt::format("{:g} us", *budget.latency_us));
  return fmt::format("{}", fmt::join(parts, ", "));
}

int limit_count(Budget budget) {
  LimitTexts limits;
  bind_options(limits, budget);
  return static_cast<int>(limits.parts.size());
}

std::string exact_text(Budget budget) {
  LimitTexts limits;
  bind_options(limits, budget);
  return fmt::format("{}", fmt::join(limits.parts, " "));
}

}  // namespace ompq::allocation
