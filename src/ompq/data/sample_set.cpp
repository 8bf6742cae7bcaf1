#include "ompq/data/sample_set.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/data/array_input.h"
#include "ompq/data/decoding_memory.h"

namespace ompq::data {
namespace {

using Extents = std::vector<std::int64_t>;

class ImageInput final : public InputSource {
 public:
  ImageInput(std::function<Image(std::int64_t)> read_image, ImageTransform transform, DataType type)
      : read_image_(std::move(read_image)), transform_(std::move(transform)), type_(type) {
    if (type_ != DataType::Float32) require_values_of(type_);
  }
  [[nodiscard]] DataType type() const override { return type_; }
  [[nodiscard]] const Extents& extents() const override { return transform_.extents(); }
  void read(std::int64_t index, std::span<std::byte> out) const override {
    if (type_ == DataType::Float32) {
      transform_.apply(read_image_(index), reinterpret_cast<float*>(out.data()));
      return;
    }
    Tensor values(DataType::Float32, extents());
    transform_.apply(read_image_(index), values.mutable_data<float>().data());
    const Tensor kept = values.converted_to(type_);
    std::copy(kept.bytes().begin(), kept.bytes().end(), out.begin());
  }
  /// Augmentation writes float32, so only float32 inputs expose their images.
  [[nodiscard]] std::optional<ImageAccess> images() const override {
    if (type_ != DataType::Float32) return std::nullopt;
    return ImageAccess{.read = read_image_, .transform = &transform_};
  }

 private:
  void require_values_of(DataType type) const {
    const std::vector<float> values = transform_.possible_values();
    try {
      (void)kept_in(Tensor::from<float>({static_cast<std::int64_t>(values.size())}, values),
                    type,
                    fmt::format("input \"{}\"", transform_.input_name()));
    } catch (const DataError& error) {
      throw ConfigError("preprocessing",
                        error.reason() +
                            "; such an input takes unscaled pixels: omit --scale, --mean, --std "
                            "and the preprocessing file, or give --scale 1 --mean 0 --std 1");
    }
  }

  std::function<Image(std::int64_t)> read_image_;
  ImageTransform transform_;
  DataType type_;
};

/// Moves the first axis of rows [n, a, b, ...] to `axis`: [a, n, b, ...] for 1.
Tensor with_rows_at(const Tensor& rows, std::size_t axis) {
  Extents shape = rows.shape();
  std::rotate(
      shape.begin(), shape.begin() + 1, shape.begin() + 1 + static_cast<std::ptrdiff_t>(axis));
  Tensor result(rows.type(), shape);
  const auto count = static_cast<std::size_t>(rows.shape()[0]);
  const std::span<const std::int64_t> before(rows.shape().data() + 1, axis);
  const auto parts = static_cast<std::size_t>(element_count(before));
  if (rows.elements() == 0) return result;
  const std::size_t part = rows.bytes().size() / count / parts;
  auto out = result.mutable_bytes();
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t p = 0; p < parts; ++p) {
      const auto from = rows.bytes().subspan((row * parts + p) * part, part);
      std::copy(from.begin(),
                from.end(),
                out.begin() + static_cast<std::ptrdiff_t>((p * count + row) * part));
    }
  }
  return result;
}

/// The row that all samples of a pass share.
Tensor shared_row(const Tensor& rows) {
  const Extents& shape = rows.shape();
  if (shape[0] == 0) return rows;
  const std::size_t bytes = rows.bytes().size() / static_cast<std::size_t>(shape[0]);
  const auto first = rows.bytes().first(bytes);
  for (std::int64_t i = 1; i < shape[0]; ++i) {
    const auto other = rows.bytes().subspan(static_cast<std::size_t>(i) * bytes, bytes);
    if (std::equal(first.begin(), first.end(), other.begin())) continue;
    throw DataError(
        "data",
        "an input that all samples of a pass share differs between samples; give --batch 1");
  }
  return Tensor::from_bytes(rows.type(), {shape.begin() + 1, shape.end()}, first);
}

/// The first element that is NaN or infinite.
template <typename T>
std::optional<std::size_t> first_not_finite(std::span<const std::byte> bytes) {
  const std::span<const T> values(reinterpret_cast<const T*>(bytes.data()),
                                  bytes.size() / sizeof(T));
  const auto found = std::ranges::find_if_not(values, [](T value) { return std::isfinite(value); });
  if (found == values.end()) return std::nullopt;
  return static_cast<std::size_t>(found - values.begin());
}

/// "[0, 3, 5]": the place of an element of a sample.
std::string place_of(std::size_t element, const Extents& extents) {
  Extents place(extents.size());
  auto rest = static_cast<std::int64_t>(element);
  for (std::size_t axis = extents.size(); axis-- > 0;) {
    place[axis] = rest % extents[axis];
    rest /= extents[axis];
  }
  return fmt::format("[{}]", fmt::join(place, ", "));
}

/// A network computes NaN from NaN, and no comparison with NaN finds a fault.
/// @param name  gives the sample's name.
template <typename NameOf>
void require_finite(const InputSource& input,
                    std::span<const std::byte> sample,
                    const NameOf& name) {
  std::optional<std::size_t> odd;
  double value = 0;
  if (input.type() == DataType::Float32) {
    odd = first_not_finite<float>(sample);
    if (odd) value = reinterpret_cast<const float*>(sample.data())[*odd];
  } else if (input.type() == DataType::Float64) {
    odd = first_not_finite<double>(sample);
    if (odd) value = reinterpret_cast<const double*>(sample.data())[*odd];
  }
  if (!odd) return;
  throw DataError(
      name(),
      fmt::format("element {} is {}, not a finite number", place_of(*odd, input.extents()), value));
}

}  // namespace

std::unique_ptr<InputSource> image_input(std::function<Image(std::int64_t)> read_image,
                                         ImageTransform transform,
                                         DataType type) {
  return std::make_unique<ImageInput>(std::move(read_image), std::move(transform), type);
}

void SampleSet::require_labels_below(std::int64_t classes) const {
  if (parts_.labels.bad_number) {
    throw DataError("labels",
                    parts_.labels.fault + "; correct the labels, or give samples without labels");
  }
  validate_labels(parts_.labels.values, classes);
}

std::vector<Extents> SampleSet::extents() const {
  std::vector<Extents> all;
  for (const auto& input : parts_.inputs) all.push_back(input->extents());
  return all;
}

std::vector<std::string> SampleSet::remarks() const {
  std::vector<std::string> remarks = parts_.remarks;
  if (!parts_.labels.fault.empty()) {
    remarks.push_back(fmt::format("labels are not used: {}", parts_.labels.fault));
  }
  return remarks;
}

std::string SampleSet::sample_name(std::int64_t index) const {
  require_index(index);
  return parts_.name_of(index);
}

std::optional<ImageAccess> SampleSet::images() const {
  if (parts_.inputs.size() != 1) return std::nullopt;
  auto access = parts_.inputs.front()->images();
  if (!access) return std::nullopt;
  access->labels = parts_.labels.values;
  access->skip_broken = parts_.skip_broken;
  return access;
}

void SampleSet::require_index(std::int64_t index) const {
  if (index >= 0 && index < parts_.size) return;
  throw DataError("data",
                  fmt::format("sample {} does not exist; there are {}", index, parts_.size));
}

std::vector<std::exception_ptr> SampleSet::read_rows(const std::vector<std::int64_t>& indices,
                                                     std::vector<Tensor>& inputs) const {
  std::vector<std::span<std::byte>> out;
  for (Tensor& input : inputs) out.push_back(input.mutable_bytes());
  const auto count = static_cast<std::int64_t>(indices.size());
  std::vector<std::exception_ptr> faults(indices.size());
  // An exception must not leave a parallel loop.
#pragma omp parallel for schedule(dynamic) if (count > 1)
  for (std::int64_t i = 0; i < count; ++i) {
    const auto row = static_cast<std::size_t>(i);
    try {
      for (std::size_t k = 0; k < inputs.size(); ++k) {
        const DecodingMemory memory;
        const std::size_t bytes = out[k].size() / indices.size();
        const auto sample = out[k].subspan(row * bytes, bytes);
        parts_.inputs[k]->read(indices[row], sample);
        require_finite(*parts_.inputs[k], sample, [&] { return parts_.name_of(indices[row]); });
      }
    } catch (...) {
      faults[row] = std::current_exception();
    }
  }
  return faults;
}

std::vector<std::size_t> SampleSet::sound_rows(const std::vector<std::int64_t>& indices,
                                               const std::vector<std::exception_ptr>& faults) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (faults[i] == nullptr) {
      rows.push_back(i);
      continue;
    }
    try {
      std::rethrow_exception(faults[i]);
    } catch (const Error& error) {
      if (!parts_.skip_broken) {
        throw DataError(
            error.where(),
            error.reason() + "; replace the sample, or skip broken ones (--skip-broken)");
      }
      broken_.insert(indices[i]);
    }
  }
  skipped_ = static_cast<std::int64_t>(broken_.size());
  return rows;
}

Batch SampleSet::load(const std::vector<std::int64_t>& indices) {
  for (const std::int64_t index : indices) require_index(index);
  const auto with_rows = [](std::size_t rows, const Extents& extents) {
    Extents shape{static_cast<std::int64_t>(rows)};
    shape.insert(shape.end(), extents.begin(), extents.end());
    return shape;
  };
  Batch batch;
  for (const auto& input : parts_.inputs) {
    batch.inputs.emplace_back(input->type(), with_rows(indices.size(), input->extents()));
  }
  const std::vector<std::size_t> rows = sound_rows(indices, read_rows(indices, batch.inputs));
  batch.size = static_cast<std::int64_t>(rows.size());
  if (has_labels()) {
    for (const std::size_t row : rows) {
      batch.labels.push_back(parts_.labels.values[static_cast<std::size_t>(indices[row])]);
    }
  }
  if (rows.size() == indices.size()) {
    place_batch_axes(batch.inputs);
    return batch;
  }
  for (std::size_t k = 0; k < batch.inputs.size(); ++k) {
    const auto bytes = batch.inputs[k].bytes();
    const std::size_t row_bytes = bytes.size() / indices.size();
    std::vector<std::byte> kept;
    for (const std::size_t row : rows) {
      const auto from = bytes.subspan(row * row_bytes, row_bytes);
      kept.insert(kept.end(), from.begin(), from.end());
    }
    const InputSource& input = *parts_.inputs[k];
    batch.inputs[k] =
        Tensor::from_bytes(input.type(), with_rows(rows.size(), input.extents()), kept);
  }
  place_batch_axes(batch.inputs);
  return batch;
}

void SampleSet::place_batch_axes(std::vector<Tensor>& inputs) const {
  for (std::size_t k = 0; k < parts_.batch_axes.size(); ++k) {
    const auto axis = parts_.batch_axes[k];
    if (!axis) {
      inputs[k] = shared_row(inputs[k]);
    } else if (*axis > 0) {
      inputs[k] = with_rows_at(inputs[k], *axis);
    }
  }
}

}  // namespace ompq::data
