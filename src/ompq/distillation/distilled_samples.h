#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/core/random.h"
#include "ompq/data/batches.h"
#include "ompq/data/loader.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::distillation {

struct SampleOptions {
  std::int64_t batch = 32;   ///< rows of a step at most
  double held_out = 0.1;     ///< share that is kept to judge by
  std::string augmentation;  ///< of images
  std::uint64_t seed = 1;
  std::int64_t memory_bytes = 0;
  std::filesystem::path cache_directory;
  int threads = 0;
};

/// The samples of a distillation: those to learn from, those to judge by, and what the float
/// network makes of them. A row is a sample, or a pass of a network that takes a fixed number.
class DistilledSamples {
 public:
  /// Reads the samples that are kept to judge by; they are the first rows of the caches, the rows
  /// of one step follow.
  /// @param graph   one input, one output.
  /// @param random  draws which samples are kept.
  /// @throws DataError if a sample cannot be read.
  DistilledSamples(const graph::Graph& graph,
                   data::Dataset& dataset,
                   const std::vector<std::int64_t>& indices,
                   SampleOptions options,
                   Random& random,
                   const ProgressHandler& progress);

  /// Samples of the data set to learn from, ascending.
  [[nodiscard]] const std::vector<std::int64_t>& training() const { return training_; }
  [[nodiscard]] data::LoaderOptions loader_options() const;
  /// Puts the samples of one step after the rows that are kept.
  /// @throws DataError if some could not be read.
  void put_step(const data::LoadedBatch& loaded);

  [[nodiscard]] std::int64_t held_out_rows() const;
  [[nodiscard]] std::int64_t samples_per_row() const { return samples_per_row_; }
  [[nodiscard]] std::int64_t rows_per_step() const;
  [[nodiscard]] std::int64_t samples_per_step() const { return rows_per_step() * samples_per_row_; }
  [[nodiscard]] const rounding::SampleCache& inputs() const { return *inputs_; }
  /// What the float network makes of the inputs.
  [[nodiscard]] const rounding::SampleCache& targets() const { return *targets_; }

 private:
  void split(const std::vector<std::int64_t>& indices, Random& random);
  void load_held_out(const ProgressHandler& progress);
  void put(const data::Batch& samples, std::int64_t first);

  const graph::Graph& graph_;
  data::Dataset& dataset_;
  SampleOptions options_;
  std::int64_t count_;  ///< of all samples
  std::int64_t samples_per_row_;
  rounding::CacheMemory memory_;
  reconstruction::CachedForward float_;
  std::shared_ptr<rounding::SampleCache> inputs_;
  std::shared_ptr<rounding::SampleCache> targets_;
  std::vector<std::int64_t> training_;
  std::vector<std::int64_t> held_out_;
};

}  // namespace ompq::distillation
