#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/data/preprocess.h"

namespace ompq::examples {

inline constexpr std::int64_t kImageSide = 28;
inline constexpr std::int64_t kImagePixels = kImageSide * kImageSide;
inline constexpr std::int64_t kClasses = 10;

/// Greyscale images and their labels, kept as bytes: the training split takes 47 MB.
struct ImageSet {
  std::vector<std::uint8_t> pixels;  ///< [count, 28, 28], row-major
  std::vector<std::uint8_t> labels;  ///< [count], 0..9
  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
};

enum class Split { Train, Test };

/// What stands between a pixel and the network; mean and deviation are those of the training split.
[[nodiscard]] data::Preprocess fashion_preprocess();

/// Reads one split from the folder with the four IDX files.
/// @throws DataError if a file is missing or broken, or does not hold labelled 28x28 images.
[[nodiscard]] ImageSet read_fashion_mnist(const std::filesystem::path& folder, Split split);

/// Images `chosen` as [n, 1, 28, 28] float32, normalized, otherwise as they are.
[[nodiscard]] at::Tensor plain_batch(const ImageSet& set, std::span<const std::int64_t> chosen);

/// The same, each mirrored with probability 1/2 and shifted by up to 2 pixels each way; what comes
/// in at the edge is black.
[[nodiscard]] at::Tensor augmented_batch(const ImageSet& set,
                                         std::span<const std::int64_t> chosen,
                                         std::mt19937_64& random);

/// Labels of images `chosen` as [n] int64.
[[nodiscard]] at::Tensor label_batch(const ImageSet& set, std::span<const std::int64_t> chosen);

}  // namespace ompq::examples
