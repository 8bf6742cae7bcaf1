#include "support/memory_dataset.h"

#include <algorithm>
#include <numeric>

#include "ompq/core/random.h"

namespace ompq::testing {

data::Batch MemoryDataset::load(const std::vector<std::int64_t>& indices) {
  std::vector<std::int64_t> shape = samples_.shape();
  const std::int64_t row = samples_.elements() / shape.front();
  shape.front() = static_cast<std::int64_t>(indices.size());
  Tensor input(DataType::Float32, shape);
  data::Batch batch;
  batch.size = shape.front();
  auto* to = input.mutable_data<float>().data();
  for (const std::int64_t index : indices) {
    const float* from = samples_.data<float>().data() + index * row;
    to = std::copy(from, from + row, to);
    if (has_labels()) batch.labels.push_back(labels_[static_cast<std::size_t>(index)]);
  }
  batch.inputs.push_back(std::move(input));
  return batch;
}

Tensor normal_samples(std::vector<std::int64_t> shape, std::uint64_t seed) {
  Tensor samples(DataType::Float32, std::move(shape));
  Random random(seed);
  for (float& value : samples.mutable_data<float>()) value = static_cast<float>(random.normal());
  return samples;
}

std::vector<std::int64_t> all_indices(std::int64_t count) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

}  // namespace ompq::testing
