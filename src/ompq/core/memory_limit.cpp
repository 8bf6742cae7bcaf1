#include "ompq/core/memory_limit.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "ompq/core/byte_count.h"

namespace ompq {
namespace {

std::atomic<std::int64_t> current_limit{kDefaultMemoryLimit};
std::atomic<bool> option_exists{false};

/// A value for --memory that suffices: whole MiB or GiB.
std::string memory_value(std::int64_t bytes) {
  constexpr std::int64_t kMiB = std::int64_t{1} << 20;
  constexpr std::int64_t kGiB = std::int64_t{1} << 30;
  const std::int64_t unit = bytes > kGiB ? kGiB : kMiB;
  return fmt::format(
      "{}{}", bytes / unit + (bytes % unit > 0 ? 1 : 0), unit == kGiB ? "GiB" : "MiB");
}

}  // namespace

std::int64_t memory_limit() { return current_limit; }

std::int64_t allowed_bytes(std::int64_t file_bytes) {
  return std::max(memory_limit(), saturated_product(file_bytes, kMemoryPerFileByte));
}

std::string over_memory_limit(std::int64_t needed,
                              std::int64_t file_bytes,
                              const std::string& instead) {
  // Beyond this, no machine has the memory, and the option does not take the value.
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  const bool by_option = option_exists && needed <= kMost;
  return fmt::format("needs {}, more than the limit of {}{}; {}",
                     needed < INT64_MAX ? format_bytes(needed) : "over 8 EiB",
                     format_bytes(allowed_bytes(file_bytes)),
                     file_bytes > 0 ? " for an input of " + format_bytes(file_bytes) : "",
                     by_option ? "give --memory " + memory_value(needed) : instead);
}

std::int64_t saturated_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

std::int64_t saturated_product(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

MemoryLimit::MemoryLimit(std::int64_t given, bool has_option)
    : limit_before_(current_limit), option_before_(option_exists) {
  current_limit = std::max(given, kDefaultMemoryLimit);
  option_exists = has_option;
}

MemoryLimit::~MemoryLimit() {
  current_limit = limit_before_;
  option_exists = option_before_;
}

}  // namespace ompq
