#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "ompq/data/image.h"

namespace ompq::data {

/// Images that were decoded once, up to a limit of memory; what comes later is not kept. Nothing is
/// ever thrown out: an epoch reads every image once in a random order, so that no choice of what to
/// keep is better than another. Thread-safe.
class ImageCache {
 public:
  /// @param limit_bytes  of pixels; 0 keeps nothing.
  explicit ImageCache(std::int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// Null where it is not kept.
  [[nodiscard]] std::shared_ptr<const Image> find(std::int64_t index) const;
  /// Keeps the image if there is room. @return the image, shared.
  std::shared_ptr<const Image> keep(std::int64_t index, Image image);
  [[nodiscard]] std::int64_t bytes() const;
  /// Images that are kept.
  [[nodiscard]] std::int64_t size() const;

 private:
  mutable std::mutex mutex_;
  std::int64_t limit_bytes_ = 0;
  std::int64_t bytes_ = 0;
  std::unordered_map<std::int64_t, std::shared_ptr<const Image>> images_;
};

}  // namespace ompq::data
