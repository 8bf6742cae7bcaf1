#include "ompq/data/dataset.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"

namespace ompq::data {

void validate_labels(std::span<const std::int32_t> labels, std::int64_t classes) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < classes) continue;
    throw DataError("labels",
                    fmt::format("label {} of sample {} is outside of the network's {} classes "
                                "(0..{}); check that the data are for this network",
                                labels[i],
                                i,
                                classes,
                                classes - 1));
  }
}

std::vector<std::int64_t> choose_samples(std::int64_t size,
                                         std::int64_t count,
                                         std::uint64_t seed) {
  if (count < 0) {
    throw ConfigError("data",
                      fmt::format("{} samples cannot be drawn; use 0 for all, or more", count));
  }
  std::vector<std::int64_t> indices(static_cast<std::size_t>(size));
  std::iota(indices.begin(), indices.end(), std::int64_t{0});
  if (count == 0 || count >= size) return indices;
  Random random = Random(seed).split("samples");
  for (std::int64_t i = 0; i < count; ++i) {
    const auto other =
        i + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(size - i)));
    std::swap(indices[static_cast<std::size_t>(i)], indices[static_cast<std::size_t>(other)]);
  }
  indices.resize(static_cast<std::size_t>(count));
  std::sort(indices.begin(), indices.end());
  return indices;
}

}  // namespace ompq::data
