#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ompq/data/dataset.h"
#include "ompq/data/named_arrays.h"
#include "ompq/pipeline/model.h"
#include "ompq/report/results.h"

namespace ompq::pipeline {

/// The source of samples and their preprocessing.
struct SampleOptions {
  std::filesystem::path source;
  /// If there are any, these are the samples, and `source` is their name.
  data::NamedArrays arrays = {};
  data::DatasetOptions dataset;
};

/// An opened source with the samples for one step.
struct Samples {
  std::unique_ptr<data::Dataset> dataset;
  std::vector<std::int64_t> indices;
  report::SamplesUsed used;
};

/// Opens the source for a network with these inputs, whose extents may be open.
[[nodiscard]] std::unique_ptr<data::Dataset> open_samples(
    const std::vector<data::InputSpec>& inputs, const SampleOptions& options);

/// Draws `count` samples for `model` with `seed` (all if count is 0).
[[nodiscard]] Samples draw_samples(const Model& model,
                                   const SampleOptions& options,
                                   std::int64_t count,
                                   std::uint64_t seed);

/// Number of `size` samples for calibration if the others are held out: `wanted`, but at most three
/// quarters; a number below `size` given by the user is used unchanged.
[[nodiscard]] std::int64_t calibration_share(std::int64_t size, std::int64_t wanted, bool named);

/// Draws like draw_samples, with some samples held out.
[[nodiscard]] Samples draw_calibration_share(const Model& model,
                                             const SampleOptions& options,
                                             std::int64_t wanted,
                                             bool named,
                                             std::uint64_t seed);

/// Up to `count` held-out samples of the same source that are not in `drawn`.
[[nodiscard]] std::vector<std::int64_t> held_out(const Samples& drawn, std::int64_t count);

/// The samples of the same source that are in neither, ascending.
/// @param evaluation  null: there is none.
[[nodiscard]] std::vector<std::int64_t> unused_samples(const Samples& calibration,
                                                       const Samples* evaluation);

/// True if both are drawn from the same part of the same source.
[[nodiscard]] bool same_source(const Samples& a, const Samples& b);

/// The samples for measuring metrics, and those for ranking allocations.
struct Halves {
  std::vector<std::int64_t> measuring;
  std::vector<std::int64_t> judging;
};

/// Every second sample each, since neighbours in a source are alike: with a folder for each class,
/// its first half has half of the classes. With fewer than four samples, all are used for both.
[[nodiscard]] Halves halves_of(const std::vector<std::int64_t>& indices);

}  // namespace ompq::pipeline
