#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ompq/data/dataset.h"
#include "ompq/data/image_transform.h"
#include "ompq/data/input_source.h"
#include "ompq/data/labels.h"

namespace ompq::data {

/// Images, read on request, preprocessed, and converted to `type`.
/// @throws ConfigError if `type` is an integer type that cannot represent the preprocessed pixels.
[[nodiscard]] std::unique_ptr<InputSource> image_input(
    std::function<Image(std::int64_t)> read_image,
    ImageTransform transform,
    DataType type = DataType::Float32);

struct SampleSetParts {
  std::vector<std::unique_ptr<InputSource>> inputs;
  /// One per input, InputSpec::batch_axis; empty: the first axis of all.
  std::vector<std::optional<std::size_t>> batch_axes = {};
  Labels labels;
  std::int64_t size = 0;
  std::function<std::string(std::int64_t)> name_of;
  bool skip_broken = false;
  std::vector<std::string> remarks = {};
};

/// The implementation of Dataset. A batch is read by all cores.
class SampleSet final : public Dataset {
 public:
  explicit SampleSet(SampleSetParts parts) : parts_(std::move(parts)) {}
  [[nodiscard]] std::int64_t size() const override { return parts_.size; }
  [[nodiscard]] bool has_labels() const override { return !parts_.labels.values.empty(); }
  [[nodiscard]] std::string label_fault() const override { return parts_.labels.fault; }
  void require_labels_below(std::int64_t classes) const override;
  [[nodiscard]] std::vector<std::vector<std::int64_t>> extents() const override;
  [[nodiscard]] std::vector<std::string> remarks() const override;
  [[nodiscard]] Batch load(const std::vector<std::int64_t>& indices) override;
  [[nodiscard]] std::string sample_name(std::int64_t index) const override;
  [[nodiscard]] std::optional<ImageAccess> images() const override;

 private:
  void require_index(std::int64_t index) const;
  /// Reads all rows. @return for each row, why it is missing, or null.
  [[nodiscard]] std::vector<std::exception_ptr> read_rows(const std::vector<std::int64_t>& indices,
                                                          std::vector<Tensor>& inputs) const;
  /// The rows of `indices` that could be read. @throws the first fault unless broken samples are
  /// skipped.
  [[nodiscard]] std::vector<std::size_t> sound_rows(const std::vector<std::int64_t>& indices,
                                                    const std::vector<std::exception_ptr>& faults);

  /// Converts rows [n, ...] of every input to the network's shape.
  void place_batch_axes(std::vector<Tensor>& inputs) const;

  SampleSetParts parts_;
  std::set<std::int64_t> broken_;  ///< counted once each
};

}  // namespace ompq::data
