#include "ompq/core/byte_count.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq {
namespace {

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr std::array<Unit, 11> kUnits{{{"", 1},
                                       {"b", 1},
                                       {"kb", 1e3},
                                       {"mb", 1e6},
                                       {"gb", 1e9},
                                       {"kib", 1024.0},
                                       {"mib", 1048576.0},
                                       {"gib", 1073741824.0},
                                       {"k", 1e3},
                                       {"m", 1e6},
                                       {"g", 1e9}}};

struct NumberAndUnit {
  double number;
  std::string unit;  // lower case
};

NumberAndUnit split_number(std::string_view text, std::string_view example) {
  const char* end = text.data() + text.size();
  double number = 0;
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || !std::isfinite(number) || number < 0) {
    throw ConfigError("size",
                      fmt::format("'{}' is not a non-negative number; write {}", text, example));
  }
  std::string unit;
  for (const char* p = parsed.ptr; p != end; ++p) {
    if (*p != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*p)));
  }
  return {number, unit};
}

}  // namespace

std::int64_t parse_byte_count(std::string_view text) {
  const auto [number, unit] = split_number(text, "for example 6.7MB, 6.7MiB or 800kB");
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    const double bytes = number * known.bytes;
    if (bytes > 0x1p62) throw ConfigError("size", fmt::format("'{}' is too large", text));
    return static_cast<std::int64_t>(std::floor(bytes));
  }
  throw ConfigError(
      "size",
      fmt::format(
          "unknown unit '{}' in '{}'; the units are B, kB, MB, GB, KiB, MiB, GiB", unit, text));
}

std::string format_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 4> kNames{"B", "KiB", "MiB", "GiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 1024.0 && unit + 1 < kNames.size()) {
    value /= 1024.0;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes);
  const int digits = std::abs(value) < 10 ? 2 : std::abs(value) < 100 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, digits, kNames[unit]);
}

double parse_count(std::string_view text) {
  const auto [number, unit] = split_number(text, "for example 75G or 1.5T");
  constexpr std::array<Unit, 5> kCounts{{{"", 1}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"t", 1e12}}};
  for (const Unit& known : kCounts) {
    if (known.name == unit) return number * known.bytes;
  }
  throw ConfigError("count",
                    fmt::format("unknown unit '{}' in '{}'; the units are K, M, G, T", unit, text));
}

}  // namespace ompq
