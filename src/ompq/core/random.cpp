#include "ompq/core/random.h"

#include <cmath>
#include <numbers>

namespace ompq {

std::uint64_t Random::mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

Random Random::split(std::string_view purpose) const {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ mix(seed_);
  for (const char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return Random(hash);
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Rejection sampling: all values are equally likely.
  const std::uint64_t limit = bound * (~std::uint64_t{0} / bound);
  std::uint64_t drawn = next();
  while (drawn >= limit) drawn = next();
  return drawn % bound;
}

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace ompq
