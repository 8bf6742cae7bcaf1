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

/// `count` samples drawn with `seed` (all, if count is 0), for `model`.
[[nodiscard]] Samples draw_samples(const Model& model,
                                   const SampleOptions& options,
                                   std::int64_t count,
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
