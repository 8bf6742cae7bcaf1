#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ompq/data/dataset.h"

namespace ompq::data {

struct LoaderOptions {
  std::int64_t batch_size = 32;
  bool shuffle = true;                ///< another order in every epoch
  bool drop_last = false;             ///< leave out an epoch's last batch where it is not full
  std::string augmentation = "none";  ///< a preset of data/augmentation.h
  std::uint64_t seed = 0;             ///< of order and augmentation
  int threads = 1;                    ///< that load ahead; 0: `next` loads, in its caller's thread
  std::int64_t prefetch = 4;          ///< batches that are ready or in work at most
  std::int64_t cache_bytes = std::int64_t{1} << 30;  ///< of decoded images
};

/// A place in the endless stream of batches.
struct LoaderPosition {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;  ///< within the epoch
};

struct LoadedBatch {
  /// As of Dataset::load; of size 0 where skip_broken left nothing over.
  Batch batch;
  /// Samples of the data set, one for each row of the batch.
  std::vector<std::int64_t> indices;
  LoaderPosition position;
  bool last = false;  ///< of its epoch
};

/// Batches for training, one epoch after another without end, made ready by threads of its own.
/// What a batch holds depends on data, `indices`, seed and position alone: neither the number of
/// threads nor where the loader began changes it.
///
/// Images are decoded once and kept as pixels as far as the memory limit allows; augmentation and
/// preprocessing happen on every use. Samples that are no images are read through Dataset::load.
/// While a loader lives, nobody else may use its data set. Thread-compatible.
class Loader {
 public:
  /// @param indices  the samples of an epoch, each once.
  /// @param begin    the first batch that `next` returns.
  /// @throws ConfigError: no samples, an index outside of the data set, options out of range, no
  /// batch left by drop_last, augmentation of samples that are no images.
  Loader(Dataset& dataset,
         std::vector<std::int64_t> indices,
         const LoaderOptions& options,
         LoaderPosition begin = {});
  /// Stops the threads after the samples that they are at.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  [[nodiscard]] std::int64_t batches_per_epoch() const;
  /// Waits for the next batch. @throws DataError naming the sample that cannot be used and the
  /// reason, once the batches before it were returned, and again at every further call.
  [[nodiscard]] LoadedBatch next();
  /// Distinct samples left out because they are broken.
  [[nodiscard]] std::int64_t skipped() const;
  /// Memory that decoded images take, in bytes.
  [[nodiscard]] std::int64_t cached_bytes() const;

 private:
  class Source;
  class Threads;

  LoaderOptions options_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Threads> threads_;  ///< use the source, and end before it
  std::int64_t at_ = 0;               ///< batches from epoch 0 on, of the next batch
};

/// The order in which `indices` are read in `epoch`.
[[nodiscard]] std::vector<std::int64_t> epoch_order(std::vector<std::int64_t> indices,
                                                    std::uint64_t seed,
                                                    std::int64_t epoch);

}  // namespace ompq::data
