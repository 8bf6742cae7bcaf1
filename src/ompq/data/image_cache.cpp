#include "ompq/data/image_cache.h"

#include <utility>

namespace ompq::data {

std::shared_ptr<const Image> ImageCache::find(std::int64_t index) const {
  const std::lock_guard lock(mutex_);
  const auto found = images_.find(index);
  return found == images_.end() ? nullptr : found->second;
}

std::shared_ptr<const Image> ImageCache::keep(std::int64_t index, Image image) {
  // A vector's spare capacity would be memory that the limit does not count.
  image.pixels.shrink_to_fit();
  auto shared = std::make_shared<const Image>(std::move(image));
  const auto bytes = static_cast<std::int64_t>(shared->pixels.size());
  const std::lock_guard lock(mutex_);
  if (bytes_ + bytes <= limit_bytes_ && images_.emplace(index, shared).second) bytes_ += bytes;
  return shared;
}

std::int64_t ImageCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::int64_t ImageCache::size() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(images_.size());
}

}  // namespace ompq::data
