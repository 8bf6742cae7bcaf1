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

/// Where samples come from and how they become inputs.
struct SampleOptions {
  std::filesystem::path source;
  /// Where there are any, they are the samples, and `source` is what they are called.
  data::NamedArrays arrays = {};
  data::DatasetOptions dataset;
};

/// An opened source with the samples that a step uses.
struct Samples {
  std::unique_ptr<data::Dataset> dataset;
  std::vector<std::int64_t> indices;
  report::SamplesUsed used;
};

/// The source, opened for a network of these inputs, whose extents may be open.
[[nodiscard]] std::unique_ptr<data::Dataset> open_samples(
    const std::vector<data::InputSpec>& inputs, const SampleOptions& options);

/// `count` samples drawn with `seed` (all, if count is 0), for `model`.
[[nodiscard]] Samples draw_samples(const Model& model,
                                   const SampleOptions& options,
                                   std::int64_t count,
                                   std::uint64_t seed);

/// How many of `size` samples calibration may take where the others are to measure the result:
/// `wanted`, but at most three quarters. Where the user named a number below `size`, that number.
[[nodiscard]] std::int64_t calibration_share(std::int64_t size, std::int64_t wanted, bool named);

/// Draws like draw_samples, and leaves some to measure with.
[[nodiscard]] Samples draw_calibration_share(const Model& model,
                                             const SampleOptions& options,
                                             std::int64_t wanted,
                                             bool named,
                                             std::uint64_t seed);

/// Up to `count` samples of the same source that `drawn` does not hold: what calibration never saw.
[[nodiscard]] std::vector<std::int64_t> held_out(const Samples& drawn, std::int64_t count);

/// True where both draw from the same part of the same source.
[[nodiscard]] bool same_source(const Samples& a, const Samples& b);

/// The samples that make a metric, and those that judge what was made of it.
struct Halves {
  std::vector<std::int64_t> measuring;
  std::vector<std::int64_t> judging;
};

/// Fewer than four samples do both.
[[nodiscard]] Halves halves_of(const std::vector<std::int64_t>& indices);

}  // namespace ompq::pipeline
