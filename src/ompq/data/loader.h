#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ompq/data/dataset.h"

namespace ompq::data {

struct LoaderOptions {
  std::int64_t batch_size = 32;
  bool shuffle = true;                ///< use a different order in every epoch
  bool drop_last = false;             ///< drop an epoch's last batch if it is not full
  std::string augmentation = "none";  ///< a preset of data/augmentation.h
  std::uint64_t seed = 0;             ///< for order and augmentation
  int threads = 1;                    ///< prefetch threads; 0: `next` loads in the calling thread
  std::int64_t prefetch = 4;          ///< maximum number of batches that are ready or in progress
  std::int64_t cache_bytes = std::int64_t{1} << 30;  ///< limit for decoded images
};

/// A position in the endless stream of batches.
struct LoaderPosition {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;  ///< within the epoch
};

struct LoadedBatch {
  /// As from Dataset::load; size 0 if skip_broken left no sample.
  Batch batch;
  /// Samples of the data set, one for each row of the batch.
  std::vector<std::int64_t> indices;
  LoaderPosition position;
  bool last = false;  ///< the last batch of its epoch
};

/// An endless stream of training batches, epoch after epoch, prefetched by its own threads. A batch
/// depends only on the data, `indices`, the seed and its position, not on the number of threads or
/// on the position where the loader started.
///
/// Images are decoded once and cached as pixels up to the memory limit; augmentation and
/// preprocessing run on every use. Samples that are not images are read through Dataset::load.
/// While a loader exists, nothing else may use its data set. Thread-compatible.
class Loader {
 public:
  /// @param indices  the samples of an epoch, each once.
  /// @param begin    the first batch that `next` returns.
  /// @throws ConfigError: no samples, an index out of range, options out of range, drop_last leaves
  /// no batch, augmentation of samples that are not images.
  Loader(Dataset& dataset,
         std::vector<std::int64_t> indices,
         const LoaderOptions& options,
         LoaderPosition begin = {});
  /// Stops the threads after their current samples.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  [[nodiscard]] std::int64_t batches_per_epoch() const;
  /// Waits for the next batch. @throws DataError naming the unusable sample and the reason, after
  /// all batches before it were returned, and on every later call.
  [[nodiscard]] LoadedBatch next();
  /// Number of distinct samples skipped because they are broken.
  [[nodiscard]] std::int64_t skipped() const;
  /// Memory used by decoded images, in bytes.
  [[nodiscard]] std::int64_t cached_bytes() const;

 private:
  class Source;
  class Threads;

  LoaderOptions options_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Threads> threads_;  ///< use the source, so they are destroyed first
  std::int64_t at_ = 0;               ///< number of the next batch, counted from epoch 0
};

/// The order in which `indices` are read in `epoch`.
[[nodiscard]] std::vector<std::int64_t> epoch_order(std::vector<std::int64_t> indices,
                                                    std::uint64_t seed,
                                                    std::int64_t epoch);

}  // namespace ompq::data
