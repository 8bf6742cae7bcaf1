#include "ompq/data/sample_set.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::data {
namespace {

class ImageInput final : public InputSource {
 public:
  ImageInput(std::function<Image(std::int64_t)> read_image, ImageTransform transform)
      : read_image_(std::move(read_image)), transform_(std::move(transform)) {}
  [[nodiscard]] DataType type() const override { return DataType::Float32; }
  [[nodiscard]] const std::vector<std::int64_t>& extents() const override {
    return transform_.extents();
  }
  void read(std::int64_t index, std::span<std::byte> out) const override {
    transform_.apply(read_image_(index), reinterpret_cast<float*>(out.data()));
  }
  [[nodiscard]] std::optional<ImageAccess> images() const override {
    return ImageAccess{.read = read_image_, .transform = &transform_};
  }

 private:
  std::function<Image(std::int64_t)> read_image_;
  ImageTransform transform_;
};

/// How a row's axes are brought into the network's order.
enum class Reorder { None, ChannelsFirst, ChannelsLast };

class ArrayInput final : public InputSource {
 public:
  ArrayInput(Tensor array, std::vector<std::int64_t> extents, Reorder reorder)
      : array_(std::move(array)), extents_(std::move(extents)), reorder_(reorder) {}
  [[nodiscard]] DataType type() const override { return array_.type(); }
  [[nodiscard]] const std::vector<std::int64_t>& extents() const override { return extents_; }
  void read(std::int64_t index, std::span<std::byte> out) const override {
    const auto row =
        array_.bytes().subspan(static_cast<std::size_t>(index) * out.size(), out.size());
    if (reorder_ == Reorder::None) {
      std::memcpy(out.data(), row.data(), row.size());
      return;
    }
    // A row of [h, w, c] is a matrix of h*w rows and c columns, and [c, h, w] its transpose.
    const bool to_first = reorder_ == Reorder::ChannelsFirst;
    const auto rows = static_cast<std::size_t>(to_first ? extents_[1] * extents_[2] : extents_[2]);
    const std::size_t bytes = size_of(array_.type());
    const std::size_t cols = row.size() / bytes / rows;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        std::memcpy(&out[(c * rows + r) * bytes], &row[(r * cols + c) * bytes], bytes);
      }
    }
  }

 private:
  Tensor array_;
  std::vector<std::int64_t> extents_;
  Reorder reorder_;
};

using Extents = std::vector<std::int64_t>;

bool fits(const Extents& extents, const Extents& wanted) {
  return std::equal(
      extents.begin(), extents.end(), wanted.begin(), wanted.end(), [](auto got, auto want) {
        return want < 1 || got == want;
      });
}

}  // namespace

std::unique_ptr<InputSource> image_input(std::function<Image(std::int64_t)> read_image,
                                         ImageTransform transform) {
  return std::make_unique<ImageInput>(std::move(read_image), std::move(transform));
}

std::unique_ptr<InputSource> array_input(Tensor array, const InputSpec& spec) {
  Extents row(array.shape().begin() + std::min<std::ptrdiff_t>(1, array.rank()),
              array.shape().end());
  Extents first = row;
  Extents last = row;
  if (row.size() == 3) {
    first = {row[2], row[0], row[1]};
    last = {row[1], row[2], row[0]};
  }
  if (fits(row, spec.extents)) {
    return std::make_unique<ArrayInput>(std::move(array), row, Reorder::None);
  }
  if (fits(first, spec.extents)) {
    return std::make_unique<ArrayInput>(std::move(array), first, Reorder::ChannelsFirst);
  }
  if (fits(last, spec.extents)) {
    return std::make_unique<ArrayInput>(std::move(array), last, Reorder::ChannelsLast);
  }
  throw DataError("data",
                  fmt::format("the samples have shape {}, but input \"{}\" of the network takes {}",
                              shape_text(row),
                              spec.name,
                              shape_text(spec.extents)));
}

std::string SampleSet::sample_name(std::int64_t index) const {
  require_index(index);
  return parts_.name_of(index);
}

std::optional<ImageAccess> SampleSet::images() const {
  if (parts_.inputs.size() != 1) return std::nullopt;
  auto access = parts_.inputs.front()->images();
  if (!access) return std::nullopt;
  access->labels = parts_.labels;
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
  // An exception may not leave a parallel loop.
#pragma omp parallel for schedule(dynamic) if (count > 1)
  for (std::int64_t i = 0; i < count; ++i) {
    const auto row = static_cast<std::size_t>(i);
    try {
      for (std::size_t k = 0; k < inputs.size(); ++k) {
        const std::size_t bytes = out[k].size() / indices.size();
        parts_.inputs[k]->read(indices[row], out[k].subspan(row * bytes, bytes));
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
        const std::string reason = std::string(error.what()).substr(error.where().size() + 3);
        throw DataError(error.where(),
                        reason + "; replace the sample, or skip broken ones (--skip-broken)");
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
      batch.labels.push_back(parts_.labels[static_cast<std::size_t>(indices[row])]);
    }
  }
  if (rows.size() == indices.size()) return batch;
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
  return batch;
}

}  // namespace ompq::data
