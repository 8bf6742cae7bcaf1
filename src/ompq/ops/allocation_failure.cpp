#include "ompq/ops/allocation_failure.h"

#include <charconv>
#include <cstdint>
#include <system_error>

#include "ompq/core/out_of_memory.h"

namespace ompq::ops {

std::optional<OutOfMemory> allocation_failure(std::string_view message, std::string_view where) {
  const bool failed = message.find("can't allocate memory") != std::string_view::npos ||
                      message.find("not enough memory") != std::string_view::npos;
  if (!failed) return std::nullopt;
  constexpr std::string_view kTried = "tried to allocate ";
  std::optional<std::int64_t> needed;
  if (const auto at = message.find(kTried); at != std::string_view::npos) {
    const std::string_view number = message.substr(at + kTried.size());
    std::int64_t bytes = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), bytes);
    if (read.ec == std::errc()) needed = bytes;
  }
  return out_of_memory(where, needed);
}

}  // namespace ompq::ops
