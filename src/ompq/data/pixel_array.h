#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/data/image.h"
#include "ompq/data/labels.h"

namespace ompq::data {

/// uint8 images of one size, and their labels if they have any.
struct PixelArray {
  Tensor pixels;  ///< uint8 [n, ...]
  Labels labels;  ///< n, or none
};

/// The layout of one sample's bytes as an image.
struct PixelLayout {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;
  bool planar = false;  ///< [c, h, w] rather than [h, w, c]
};

/// True for 1 (gray) or 3 (colour).
[[nodiscard]] bool is_channel_count(std::int64_t extent);
/// The layout of [n, h, w], [n, h, w, c] or [n, c, h, w] with c of 1 or 3; channels last if the
/// shape is ambiguous. Nullopt for any other shape.
[[nodiscard]] std::optional<PixelLayout> picture_layout(std::span<const std::int64_t> shape);
/// The same, also accepting 4 channels (red, green, blue and alpha) or as many as an input of shape
/// `wanted`, [c, h, w] or [h, w, c], takes.
[[nodiscard]] std::optional<PixelLayout> pixel_layout(std::span<const std::int64_t> shape,
                                                      std::span<const std::int64_t> wanted);
/// Sample `index` of a uint8 array with this layout.
[[nodiscard]] Image image_at(const Tensor& pixels, const PixelLayout& layout, std::int64_t index);

/// IDX (MNIST's format), plain or gzip: uint8 elements of any rank.
/// @throws DataError naming the file: wrong element type, too few or too many bytes.
[[nodiscard]] Tensor read_idx(const std::filesystem::path& file);
/// An IDX file of images with the file of labels next to it, if there is one (the same name with
/// "labels" for "images" and "idx1" for "idx3", with or without ".gz"). Labels that do not match
/// the images set Labels::fault and are not an error.
[[nodiscard]] PixelArray read_idx_images(const std::filesystem::path& images);

/// CIFAR-10's binary batches, concatenated: a label and 3 x 32 x 32 pixels per record.
[[nodiscard]] PixelArray read_cifar10(const std::vector<std::filesystem::path>& files);

}  // namespace ompq::data
