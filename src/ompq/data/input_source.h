#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ompq/data/dataset.h"

namespace ompq::data {

/// The samples of one network input. Const functions are thread-safe.
class InputSource {
 public:
  virtual ~InputSource() = default;
  [[nodiscard]] virtual DataType type() const = 0;
  /// One sample's shape.
  [[nodiscard]] virtual const std::vector<std::int64_t>& extents() const = 0;
  /// Writes sample `index` into `out`, which has its size. @throws Error if the sample is broken.
  virtual void read(std::int64_t index, std::span<std::byte> out) const = 0;
  /// The images before preprocessing, if there are any; `labels` and `skip_broken` are not set.
  [[nodiscard]] virtual std::optional<ImageAccess> images() const { return std::nullopt; }
};

}  // namespace ompq::data
