#pragma once

#include <cstdint>
#include <random>
#include <string_view>

namespace ompq {

/// Seeded random numbers, equal on every platform. Independent streams are split off by name,
/// so that adding a consumer does not change what the others draw.
class Random {
 public:
  explicit Random(std::uint64_t seed) : seed_(seed), engine_(mix(seed)) {}
  /// An independent stream for `purpose`.
  [[nodiscard]] Random split(std::string_view purpose) const;
  [[nodiscard]] std::uint64_t next() { return engine_(); }
  /// Uniform in [0, 1).
  [[nodiscard]] double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform in 0..bound-1, bound >= 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  /// Standard normal (Box-Muller).
  [[nodiscard]] double normal();
  /// Fisher-Yates.
  template <typename Container>
  void shuffle(Container& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  static std::uint64_t mix(std::uint64_t x);
  std::uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace ompq
