#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "ompq/data/image.h"

namespace ompq::data {

/// A cache of decoded images with a memory limit. Once it is full, further images are not kept.
/// Nothing is evicted: an epoch reads every image once in random order, so no eviction policy is
/// better than another. Thread-safe.
class ImageCache {
 public:
  /// @param limit_bytes  of pixels; 0 keeps nothing.
  explicit ImageCache(std::int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// Null if it is not cached.
  [[nodiscard]] std::shared_ptr<const Image> find(std::int64_t index) const;
  /// Caches the image if there is room. @return the image, shared.
  std::shared_ptr<const Image> keep(std::int64_t index, Image image);
  [[nodiscard]] std::int64_t bytes() const;
  /// Number of cached images.
  [[nodiscard]] std::int64_t size() const;

 private:
  mutable std::mutex mutex_;
  std::int64_t limit_bytes_ = 0;
  std::int64_t bytes_ = 0;
  std::unordered_map<std::int64_t, std::shared_ptr<const Image>> images_;
};

}  // namespace ompq::data
