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
#include "ompq/distillation/mixing.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::distillation {

struct SampleOptions {
  std::int64_t batch = 32;       ///< maximum rows of a step
  double held_out = 0.1;         ///< share of held-out samples
  std::string augmentation;      ///< of images
  Mixing mixing = Mixing::None;  ///< of training samples
  double mixed = 0.0;            ///< share of mixed training samples
  std::uint64_t seed = 1;
  std::int64_t memory_bytes = 0;
  std::filesystem::path cache_directory;
  int threads = 0;
};

/// The samples of a distillation: for training, held-out, and the float network's outputs for them.
/// A row is a sample, or a pass of a network with a fixed batch.
class DistilledSamples {
 public:
  /// Reads the held-out samples; they are the first rows of the caches, followed by those of one
  /// step.
  /// @param graph   one input; the first output is the target, further ones are features.
  /// @param random  draws the held-out samples.
  /// @throws DataError if a sample cannot be read.
  DistilledSamples(const graph::Graph& graph,
                   data::Dataset& dataset,
                   const std::vector<std::int64_t>& indices,
                   SampleOptions options,
                   Random& random,
                   const ProgressHandler& progress);

  /// Indices of the training samples, ascending.
  [[nodiscard]] const std::vector<std::int64_t>& training() const { return training_; }
  [[nodiscard]] data::LoaderOptions loader_options() const;
  /// Mixes the samples of one step and stores them after the held-out rows.
  /// @param random  draws the mixtures.
  /// @throws DataError if some could not be read.
  void put_step(data::LoadedBatch loaded, Random& random);

  [[nodiscard]] std::int64_t held_out_rows() const;
  [[nodiscard]] std::int64_t samples_per_row() const { return samples_per_row_; }
  [[nodiscard]] std::int64_t rows_per_step() const;
  [[nodiscard]] std::int64_t samples_per_step() const { return rows_per_step() * samples_per_row_; }
  [[nodiscard]] const rounding::SampleCache& inputs() const { return *inputs_; }
  /// The float network's first output for the inputs.
  [[nodiscard]] const rounding::SampleCache& targets() const { return *targets_; }
  /// A further output for the samples of the step, without the held-out rows.
  struct Feature {
    std::shared_ptr<rounding::SampleCache> targets;
    double energy = 0.0;  ///< mean over rows of the sum of squares
  };
  [[nodiscard]] const std::vector<Feature>& features() const { return features_; }

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
  std::vector<Feature> features_;
  std::vector<std::int64_t> training_;
  std::vector<std::int64_t> held_out_;
};

}  // namespace ompq::distillation
