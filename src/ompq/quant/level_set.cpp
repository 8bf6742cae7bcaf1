#include "ompq/quant/level_set.h"

#include <algorithm>
#include <initializer_list>

namespace ompq::quant {
namespace {

/// The set with these levels and their negatives.
constexpr LevelSet mirrored(std::initializer_list<int> positive) {
  LevelSet set{.count = 2 * positive.size()};
  const std::size_t half = positive.size();
  std::size_t i = 0;
  for (const int level : positive) {
    set.level[half + i] = static_cast<float>(level);
    set.level[half - 1 - i] = static_cast<float>(-level);
    ++i;
  }
  for (std::size_t k = 0; k + 1 < set.count; ++k) {
    set.middle[k] = (set.level[k] + set.level[k + 1]) / 2;
    set.step[k] = set.level[k + 1] - set.level[k];
  }
  return set;
}

constexpr std::array kNormalLevels = {
    mirrored({28, 95}), mirrored({12, 34, 60, 95}), mirrored({4, 13, 23, 33, 44, 56, 72, 95})};

constexpr std::int64_t kBlock = 64;

OMPQ_VECTOR_CLONES void round_block(float* values, std::int64_t count, const LevelSet& set) {
  std::array<float, kBlock> levels{};
  for (std::int64_t i = 0; i < count; ++i) levels[static_cast<std::size_t>(i)] = set.level[0];
  for (std::size_t k = 0; k + 1 < set.count; ++k) {
    const float middle = set.middle[k];
    const float step = set.step[k];
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
      levels[static_cast<std::size_t>(i)] += values[i] > middle ? step : 0.0F;
    }
  }
  for (std::int64_t i = 0; i < count; ++i) values[i] = levels[static_cast<std::size_t>(i)];
}

}  // namespace

const LevelSet& normal_levels(BitWidth bits) {
  return kNormalLevels.at(static_cast<std::size_t>(bits.value() - kLeastNormalBits));
}

void round_to_set(std::span<float> values, const LevelSet& set) {
  const auto count = static_cast<std::int64_t>(values.size());
  for (std::int64_t at = 0; at < count; at += kBlock) {
    round_block(values.data() + at, std::min(kBlock, count - at), set);
  }
}

}  // namespace ompq::quant
