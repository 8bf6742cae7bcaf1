#include "fashion_mnist.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/data/dataset.h"

namespace ompq::examples {
namespace {

constexpr int kMaxShift = 2;

/// Where an augmented image reads its pixels from.
struct Move {
  bool mirror = false;
  int dy = 0;
  int dx = 0;
};

/// Pixel value -> what the network reads.
const std::array<float, 256>& normalization_table() {
  static const std::array<float, 256> table = [] {
    const data::Preprocess preprocess = fashion_preprocess();
    std::array<float, 256> values{};
    for (int pixel = 0; pixel < 256; ++pixel) {
      const double centred = pixel * preprocess.scale - preprocess.mean.front();
      values[pixel] = static_cast<float>(centred / preprocess.std.front());
    }
    return values;
  }();
  return table;
}

void copy_moved(const std::uint8_t* image, const Move& move, float* out) {
  constexpr int kSide = static_cast<int>(kImageSide);
  const std::array<float, 256>& table = normalization_table();
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const int from_y = y + move.dy;
      const int from_x = move.mirror ? kSide - 1 - (x + move.dx) : x + move.dx;
      const bool inside = from_y >= 0 && from_y < kSide && from_x >= 0 && from_x < kSide;
      *out++ = table[inside ? image[from_y * kSide + from_x] : 0];
    }
  }
}

void append(ImageSet& set, const data::Batch& batch, const std::filesystem::path& folder) {
  const Tensor& images = batch.inputs.front();
  const auto count = static_cast<std::int64_t>(batch.labels.size());
  if (images.shape() != std::vector<std::int64_t>{count, 1, kImageSide, kImageSide}) {
    throw DataError(
        "train_fashion_mnist",
        fmt::format("{} holds images of shape {} for {} labels; expected labelled {}x{} "
                    "greyscale images",
                    folder.string(),
                    shape_text(images.shape()),
                    count,
                    kImageSide,
                    kImageSide));
  }
  for (const float pixel : images.data<float>()) {
    set.pixels.push_back(static_cast<std::uint8_t>(std::lround(pixel)));
  }
  for (const std::int32_t label : batch.labels) {
    if (label < 0 || label >= kClasses) {
      throw DataError(
          "train_fashion_mnist",
          fmt::format("{} holds label {}; expected 0..{}", folder.string(), label, kClasses - 1));
    }
    set.labels.push_back(static_cast<std::uint8_t>(label));
  }
}

}  // namespace

data::Preprocess fashion_preprocess() {
  return {.channels = "gray", .scale = 1.0 / 255.0, .mean = {0.286}, .std = {0.353}};
}

ImageSet read_fashion_mnist(const std::filesystem::path& folder, Split split) {
  // Scale 1 hands the pixels over as they are; they are normalized when a batch is made.
  const data::DatasetOptions as_bytes{.preprocess = {.channels = "gray", .scale = 1.0},
                                      .split = split == Split::Train ? "train" : "test"};
  const auto dataset = data::open_dataset(
      folder, {{.name = "input", .extents = {1, kImageSide, kImageSide}}}, as_bytes);
  constexpr std::int64_t kChunk = 1000;
  ImageSet set;
  for (std::int64_t first = 0; first < dataset->size(); first += kChunk) {
    std::vector<std::int64_t> indices(std::min(kChunk, dataset->size() - first));
    std::iota(indices.begin(), indices.end(), first);
    append(set, dataset->load(indices), folder);
  }
  return set;
}

at::Tensor plain_batch(const ImageSet& set, std::span<const std::int64_t> chosen) {
  at::Tensor batch =
      at::empty({static_cast<std::int64_t>(chosen.size()), 1, kImageSide, kImageSide});
  auto* out = batch.data_ptr<float>();
  for (const std::int64_t index : chosen) {
    copy_moved(&set.pixels[index * kImagePixels], {}, out);
    out += kImagePixels;
  }
  return batch;
}

at::Tensor augmented_batch(const ImageSet& set,
                           std::span<const std::int64_t> chosen,
                           std::mt19937_64& random) {
  // Taken from raw bits: what the standard distributions draw is not the same everywhere.
  const auto shift = [&] { return static_cast<int>(random() % (2 * kMaxShift + 1)) - kMaxShift; };
  at::Tensor batch =
      at::empty({static_cast<std::int64_t>(chosen.size()), 1, kImageSide, kImageSide});
  auto* out = batch.data_ptr<float>();
  for (const std::int64_t index : chosen) {
    Move move{.mirror = random() % 2 == 1};
    move.dy = shift();
    move.dx = shift();
    copy_moved(&set.pixels[index * kImagePixels], move, out);
    out += kImagePixels;
  }
  return batch;
}

at::Tensor label_batch(const ImageSet& set, std::span<const std::int64_t> chosen) {
  at::Tensor labels = at::empty({static_cast<std::int64_t>(chosen.size())}, at::kLong);
  auto* out = labels.data_ptr<std::int64_t>();
  for (const std::int64_t index : chosen) *out++ = set.labels[index];
  return labels;
}

}  // namespace ompq::examples
