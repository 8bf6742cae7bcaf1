#include "ompq/pipeline/samples.h"

#include <algorithm>
#include <unordered_set>

#include "ompq/core/random.h"

namespace ompq::pipeline {

Samples draw_samples(const Model& model,
                     const SampleOptions& options,
                     std::int64_t count,
                     std::uint64_t seed) {
  Samples samples;
  const auto inputs = input_specs(model.graph);
  const std::string name = options.source.string();
  samples.dataset = options.arrays.empty()
                        ? data::open_dataset(options.source, inputs, options.dataset)
                        : data::open_arrays(options.arrays, name, inputs, options.dataset);
  samples.indices = data::choose_samples(samples.dataset->size(), count, seed);
  samples.used = {.source = name,
                  .split = options.dataset.split,
                  .count = static_cast<std::int64_t>(samples.indices.size()),
                  .seed = seed,
                  .preprocess = data::to_json(options.dataset.preprocess)};
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

bool same_source(const Samples& a, const Samples& b) {
  return a.used.source == b.used.source && a.used.split == b.used.split;
}

Halves halves_of(const std::vector<std::int64_t>& indices) {
  if (indices.size() < 4) return {indices, indices};
  const auto middle = indices.begin() + static_cast<std::ptrdiff_t>(indices.size() / 2);
  return {{indices.begin(), middle}, {middle, indices.end()}};
}

}  // namespace ompq::pipeline
