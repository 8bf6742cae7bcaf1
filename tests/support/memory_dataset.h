#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/data/dataset.h"

namespace ompq::testing {

/// Samples held in memory, as they are: one input, float32.
class MemoryDataset : public data::Dataset {
 public:
  /// @param samples  [n, ...] float32
  /// @param labels   n entries, or none
  explicit MemoryDataset(Tensor samples, std::vector<std::int32_t> labels = {})
      : samples_(std::move(samples)), labels_(std::move(labels)) {}

  [[nodiscard]] std::int64_t size() const override { return samples_.shape().front(); }
  [[nodiscard]] bool has_labels() const override { return !labels_.empty(); }
  [[nodiscard]] data::Batch load(const std::vector<std::int64_t>& indices) override;
  [[nodiscard]] std::string sample_name(std::int64_t index) const override {
    return "sample " + std::to_string(index);
  }

 private:
  Tensor samples_;
  std::vector<std::int32_t> labels_;
};

/// Seeded normal numbers, [n, ...].
[[nodiscard]] Tensor normal_samples(std::vector<std::int64_t> shape, std::uint64_t seed);

/// 0, 1, ..., count - 1.
[[nodiscard]] std::vector<std::int64_t> all_indices(std::int64_t count);

}  // namespace ompq::testing
