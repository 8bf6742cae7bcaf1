#include "ompq/data/loader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/data/augmentation.h"
#include "ompq/data/decoding_memory.h"
#include "ompq/data/image_cache.h"

namespace ompq::data {
namespace {

void require_at_least(std::int64_t min, std::int64_t value, std::string_view what) {
  if (value >= min) return;
  throw ConfigError("loader", fmt::format("{} is {}; use {} or more", what, value, min));
}

void validate(const LoaderOptions& options, LoaderPosition begin) {
  require_at_least(1, options.batch_size, "the batch size");
  require_at_least(0, options.threads, "the number of threads");
  require_at_least(1, options.prefetch, "the number of batches to load ahead");
  require_at_least(0, options.cache_bytes, "the memory for decoded images");
  require_at_least(0, begin.epoch, "the epoch to begin with");
  require_at_least(0, begin.batch, "the batch to begin with");
}

void require_indices(const std::vector<std::int64_t>& indices, std::int64_t size) {
  if (indices.empty()) throw ConfigError("loader", "there are no samples to load");
  for (const std::int64_t index : indices) {
    if (index >= 0 && index < size) continue;
    throw ConfigError("loader", fmt::format("sample {} does not exist; there are {}", index, size));
  }
}

/// Rethrows the same kind of error with the place and the remedy.
[[noreturn]] void throw_broken(const Error& error) {
  throw DataError(error.where(),
                  error.reason() + "; replace the sample, or skip broken ones (--skip-broken)");
}

/// The first `rows` rows of a tensor.
Tensor first_rows(const Tensor& tensor, std::int64_t rows) {
  std::vector<std::int64_t> shape = tensor.shape();
  const std::size_t row_bytes = tensor.bytes().size() / static_cast<std::size_t>(shape[0]);
  shape[0] = rows;
  return Tensor::from_bytes(
      tensor.type(), shape, tensor.bytes().first(row_bytes * static_cast<std::size_t>(rows)));
}

}  // namespace

std::vector<std::int64_t> epoch_order(std::vector<std::int64_t> indices,
                                      std::uint64_t seed,
                                      std::int64_t epoch) {
  Random(seed).split(fmt::format("order of epoch {}", epoch)).shuffle(indices);
  return indices;
}

// --- the content of a batch
// --------------------------------------------------------------------------

/// Makes any batch of the stream. Thread-safe.
class Loader::Source {
 public:
  Source(Dataset& dataset, std::vector<std::int64_t> indices, const LoaderOptions& options)
      : dataset_(dataset),
        indices_(std::move(indices)),
        options_(options),
        preset_(find_augmentation(options.augmentation)),
        images_(dataset.images()),
        cache_(options.cache_bytes) {
    require_indices(indices_, dataset.size());
    if (!images_ && preset_.name != "none") {
      throw ConfigError("loader",
                        fmt::format("augmentation \"{}\" varies images, but these samples are "
                                    "arrays of numbers; give 8-bit pixels, or use \"none\"",
                                    preset_.name));
    }
    const auto count = static_cast<std::int64_t>(indices_.size());
    const std::int64_t rest = options.drop_last ? 0 : options.batch_size - 1;
    batches_per_epoch_ = (count + rest) / options.batch_size;
    if (batches_per_epoch_ == 0) {
      throw ConfigError("loader",
                        fmt::format("{} samples do not fill a batch of {}, and incomplete batches "
                                    "are dropped; use a smaller batch",
                                    count,
                                    options.batch_size));
    }
  }

  [[nodiscard]] std::int64_t batches_per_epoch() const { return batches_per_epoch_; }
  [[nodiscard]] std::int64_t cached_bytes() const { return cache_.bytes(); }
  [[nodiscard]] std::int64_t skipped() {
    const std::lock_guard lock(mutex_);
    return images_ ? static_cast<std::int64_t>(broken_.size()) : dataset_.skipped();
  }
  /// Batches in progress stop before their next sample.
  void stop() { stopped_ = true; }

  /// Batch `number`, counted from the start of epoch 0. @throws DataError naming a broken sample;
  /// Interrupted after `stop`.
  [[nodiscard]] LoadedBatch make(std::int64_t number) {
    LoadedBatch loaded;
    loaded.position = {number / batches_per_epoch_, number % batches_per_epoch_};
    loaded.last = loaded.position.batch == batches_per_epoch_ - 1;
    loaded.indices = indices_of(loaded.position);
    if (images_) {
      load_images(loaded);
    } else {
      load_arrays(loaded);
    }
    return loaded;
  }

 private:
  [[nodiscard]] std::vector<std::int64_t> indices_of(LoaderPosition position) {
    const auto order = order_of(position.epoch);
    const auto begin = static_cast<std::size_t>(position.batch * options_.batch_size);
    const auto end = std::min(begin + static_cast<std::size_t>(options_.batch_size), order->size());
    return {order->begin() + static_cast<std::ptrdiff_t>(begin),
            order->begin() + static_cast<std::ptrdiff_t>(end)};
  }

  /// The orders of recent epochs. Threads are at most two epochs apart unless an epoch has fewer
  /// batches than are prefetched.
  [[nodiscard]] std::shared_ptr<const std::vector<std::int64_t>> order_of(std::int64_t epoch) {
    constexpr std::size_t kKept = 2;
    const std::lock_guard lock(mutex_);
    auto& order = orders_[epoch];
    if (!order) {
      order = std::make_shared<const std::vector<std::int64_t>>(
          options_.shuffle ? epoch_order(indices_, options_.seed, epoch) : indices_);
    }
    const auto found = order;
    while (orders_.size() > kKept) orders_.erase(orders_.begin());
    return found;
  }

  void load_arrays(LoadedBatch& loaded) {
    const std::lock_guard lock(mutex_);  // a data set may be used by only one thread at a time
    loaded.batch = dataset_.load(loaded.indices);
    if (loaded.batch.size == static_cast<std::int64_t>(loaded.indices.size())) return;
    std::erase_if(loaded.indices,
                  [&](std::int64_t index) { return dataset_.load({index}).size == 0; });
  }

  void load_images(LoadedBatch& loaded) {
    const auto rows = static_cast<std::int64_t>(loaded.indices.size());
    std::vector<std::int64_t> shape{rows};
    const auto& extents = images_->transform->extents();
    shape.insert(shape.end(), extents.begin(), extents.end());
    Tensor values(DataType::Float32, shape);
    float* out = values.mutable_data<float>().data();
    const std::int64_t sample = values.elements() / rows;
    std::vector<std::int64_t> kept;
    for (const std::int64_t index : loaded.indices) {
      if (stopped_) throw Interrupted("loader", "stopped");
      const auto row = static_cast<std::int64_t>(kept.size());
      if (!write_sample(index, loaded.position.epoch, out + row * sample)) continue;
      kept.push_back(index);
      if (!images_->labels.empty()) {
        loaded.batch.labels.push_back(images_->labels[static_cast<std::size_t>(index)]);
      }
    }
    loaded.batch.size = static_cast<std::int64_t>(kept.size());
    loaded.batch.inputs.push_back(
        loaded.batch.size == rows ? std::move(values) : first_rows(values, loaded.batch.size));
    loaded.indices = std::move(kept);
  }

  /// @return false for a broken sample that is skipped.
  bool write_sample(std::int64_t index, std::int64_t epoch, float* out) {
    const ImageTransform& transform = *images_->transform;
    const DecodingMemory memory;
    try {
      const auto kept = kept_image(index);
      if (preset_.name == "none") {
        transform.write(*kept, out);
        return true;
      }
      Random random = augmentation_random(options_.seed, epoch, index);
      const AugmentationDraw draw = draw_augmentation(preset_, transform, *kept, random);
      transform.write(augment(*kept, draw, transform), out);
      return true;
    } catch (const Error& error) {
      if (!images_->skip_broken) throw_broken(error);
      const std::lock_guard lock(mutex_);
      broken_.insert(index);
      return false;
    }
  }

  [[nodiscard]] std::shared_ptr<const Image> kept_image(std::int64_t index) {
    if (auto found = cache_.find(index)) return found;
    return cache_.keep(index, kept_form(images_->read(index), preset_, *images_->transform));
  }

  Dataset& dataset_;
  std::vector<std::int64_t> indices_;
  LoaderOptions options_;
  const Augmentation& preset_;
  std::optional<ImageAccess> images_;
  std::int64_t batches_per_epoch_ = 0;
  ImageCache cache_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  ///< guards the members below, and the data set if it has no images
  std::map<std::int64_t, std::shared_ptr<const std::vector<std::int64_t>>> orders_;
  std::set<std::int64_t> broken_;
};

// --- the prefetch threads
// --------------------------------------------------------------------------------

/// Threads that make batches ahead of the requested one, at most `prefetch` of them.
class Loader::Threads {
 public:
  Threads(Source& source, std::int64_t begin, const LoaderOptions& options)
      : source_(source), next_(begin), taken_(begin), prefetch_(options.prefetch) {
    try {
      for (int t = 0; t < options.threads; ++t) threads_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~Threads() { stop(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  /// Waits for batch `number`; numbers must be requested in sequence.
  [[nodiscard]] LoadedBatch take(std::int64_t number) {
    std::unique_lock lock(mutex_);
    ready_changed_.wait(lock, [&] { return ready_.contains(number); });
    Made& made = ready_.at(number);
    if (made.fault) std::rethrow_exception(made.fault);
    LoadedBatch loaded = std::move(made.loaded);
    ready_.erase(number);
    taken_ = number + 1;
    room_changed_.notify_all();
    return loaded;
  }

 private:
  struct Made {
    LoadedBatch loaded;
    std::exception_ptr fault;
  };

  void work() {
    while (const auto number = next_number()) {
      Made made;
      try {
        made.loaded = source_.make(*number);
      } catch (...) {
        made.fault = std::current_exception();
      }
      const std::lock_guard lock(mutex_);
      ready_.emplace(*number, std::move(made));
      ready_changed_.notify_all();
    }
  }

  /// Waits until there is room for one more batch; returns nullopt once the threads must end.
  [[nodiscard]] std::optional<std::int64_t> next_number() {
    std::unique_lock lock(mutex_);
    room_changed_.wait(lock, [&] { return stopping_ || next_ < taken_ + prefetch_; });
    if (stopping_) return std::nullopt;
    return next_++;
  }

  void stop() {
    source_.stop();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  Source& source_;
  std::mutex mutex_;  ///< guards the members below
  std::condition_variable ready_changed_;
  std::condition_variable room_changed_;
  std::map<std::int64_t, Made> ready_;
  std::int64_t next_ = 0;   ///< the first batch that no thread has started
  std::int64_t taken_ = 0;  ///< the first batch that was not yet requested
  std::int64_t prefetch_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// --- the loader ----------------------------------------------------------------------------------

Loader::Loader(Dataset& dataset,
               std::vector<std::int64_t> indices,
               const LoaderOptions& options,
               LoaderPosition begin)
    : options_(options) {
  validate(options, begin);
  source_ = std::make_unique<Source>(dataset, std::move(indices), options);
  at_ = begin.epoch * source_->batches_per_epoch() + begin.batch;
  if (options.threads > 0) threads_ = std::make_unique<Threads>(*source_, at_, options);
}

Loader::~Loader() = default;

std::int64_t Loader::batches_per_epoch() const { return source_->batches_per_epoch(); }
std::int64_t Loader::skipped() const { return source_->skipped(); }
std::int64_t Loader::cached_bytes() const { return source_->cached_bytes(); }

LoadedBatch Loader::next() {
  LoadedBatch loaded = threads_ ? threads_->take(at_) : source_->make(at_);
  ++at_;
  return loaded;
}

}  // namespace ompq::data
