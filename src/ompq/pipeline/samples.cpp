#include "ompq/pipeline/samples.h"

#include <algorithm>
#include <unordered_set>

#include "ompq/core/random.h"
#include "ompq/data/preprocess_file.h"

namespace ompq::pipeline {

namespace {

Samples opened(const Model& model, const SampleOptions& options, std::uint64_t seed) {
  Samples samples;
  samples.dataset = open_samples(input_specs(model.graph), options);
  samples.used = {.source = options.source.string(),
                  .split = options.dataset.split,
                  .seed = seed,
                  .preprocess = data::to_json(options.dataset.preprocess)};
  return samples;
}

void draw(Samples& samples, std::int64_t count) {
  samples.indices = data::choose_samples(samples.dataset->size(), count, samples.used.seed);
  samples.used.count = static_cast<std::int64_t>(samples.indices.size());
}

}  // namespace

std::unique_ptr<data::Dataset> open_samples(const std::vector<data::InputSpec>& inputs,
                                            const SampleOptions& options) {
  if (options.arrays.empty()) return data::open_dataset(options.source, inputs, options.dataset);
  return data::open_arrays(options.arrays, options.source.string(), inputs, options.dataset);
}

Samples draw_samples(const Model& model,
                     const SampleOptions& options,
                     std::int64_t count,
                     std::uint64_t seed) {
  Samples samples = opened(model, options, seed);
  draw(samples, count);
  return samples;
}

std::int64_t calibration_share(std::int64_t size, std::int64_t wanted, bool named) {
  if (named && wanted < size) return wanted;
  const std::int64_t left = std::max<std::int64_t>(1, size / 4);
  return std::max<std::int64_t>(1, std::min(wanted, size - left));
}

Samples draw_calibration_share(const Model& model,
                               const SampleOptions& options,
                               std::int64_t wanted,
                               bool named,
                               std::uint64_t seed) {
  Samples samples = opened(model, options, seed);
  draw(samples, calibration_share(samples.dataset->size(), wanted, named));
  return samples;
}

std::vector<std::int64_t> held_out(const Samples& drawn, std::int64_t count) {
  const std::unordered_set<std::int64_t> taken(drawn.indices.begin(), drawn.indices.end());
  std::vector<std::int64_t> rest;
  for (std::int64_t i = 0; i < drawn.dataset->size(); ++i) {
    if (!taken.contains(i)) rest.push_back(i);
  }
  Random random = Random(drawn.used.seed).split("held out");
  random.shuffle(rest);
  if (static_cast<std::int64_t>(rest.size()) > count) rest.resize(static_cast<std::size_t>(count));
  std::sort(rest.begin(), rest.end());
  return rest;
}

std::vector<std::int64_t> unused_samples(const Samples& calibration, const Samples* evaluation) {
  std::vector<std::int64_t> rest = held_out(calibration, calibration.dataset->size());
  if (evaluation == nullptr || !same_source(calibration, *evaluation)) return rest;
  const std::unordered_set<std::int64_t> taken(evaluation->indices.begin(),
                                               evaluation->indices.end());
  std::erase_if(rest, [&](std::int64_t index) { return taken.contains(index); });
  return rest;
}

bool same_source(const Samples& a, const Samples& b) {
  return a.used.source == b.used.source && a.used.split == b.used.split;
}

Halves halves_of(const std::vector<std::int64_t>& indices) {
  if (indices.size() < 4) return {indices, indices};
  Halves halves;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    (i % 2 == 0 ? halves.judging : halves.measuring).push_back(indices[i]);
  }
  return halves;
}

}  // namespace ompq::pipeline
