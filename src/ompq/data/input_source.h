#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ompq/data/dataset.h"

namespace ompq::data {

/// Where one input of the network comes from, sample by sample. Const functions are thread-safe.
class InputSource {
 public:
  virtual ~InputSource() = default;
  [[nodiscard]] virtual DataType type() const = 0;
  /// One sample's shape.
  [[nodiscard]] virtual const std::vector<std::int64_t>& extents() const = 0;
  /// Writes sample `index` into `out`, which has its size. @throws Error if it is broken.
  virtual void read(std::int64_t index, std::span<std::byte> out) const = 0;
  /// Images before their preprocessing, where there are any; `labels` and `skip_broken` are open.
  [[nodiscard]] virtual std::optional<ImageAccess> images() const { return std::nullopt; }
};

}  // namespace ompq::data
