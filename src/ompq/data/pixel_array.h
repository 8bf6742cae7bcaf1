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

/// Images of one size held as uint8, and their labels if they have any.
struct PixelArray {
  Tensor pixels;  ///< uint8 [n, ...]
  Labels labels;  ///< n, or none
};

/// How the bytes of one sample form an image.
struct PixelLayout {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;
  bool planar = false;  ///< [c, h, w] rather than [h, w, c]
};

/// 1 or 3: gray or colours.
[[nodiscard]] bool is_channel_count(std::int64_t extent);
/// The layout of [n, h, w], [n, h, w, c] or [n, c, h, w] with c of 1 or 3; where both could be
/// meant, channels are last. Nothing for any other shape.
[[nodiscard]] std::optional<PixelLayout> picture_layout(std::span<const std::int64_t> shape);
/// The same, and with as many channels as an input of `wanted`, [c, h, w] or [h, w, c], takes, or
/// with 4 (red, green, blue and alpha).
[[nodiscard]] std::optional<PixelLayout> pixel_layout(std::span<const std::int64_t> shape,
                                                      std::span<const std::int64_t> wanted);
/// Sample `index` of a uint8 array in that layout.
[[nodiscard]] Image image_at(const Tensor& pixels, const PixelLayout& layout, std::int64_t index);

/// IDX (MNIST's format), plain or gzip: uint8 elements of any rank.
/// @throws DataError naming the file: another element type, too few or too many bytes.
[[nodiscard]] Tensor read_idx(const std::filesystem::path& file);
/// An IDX file of images with the file of labels next to it, if there is one (the same name with
/// "labels" for "images" and "idx1" for "idx3", with or without ".gz"). Labels that do not belong
/// to the images are a fault of the labels, not an error.
[[nodiscard]] PixelArray read_idx_images(const std::filesystem::path& images);

/// CIFAR-10's binary batches one after the other: a label and 3 x 32 x 32 pixels a record.
[[nodiscard]] PixelArray read_cifar10(const std::vector<std::filesystem::path>& files);

}  // namespace ompq::data
