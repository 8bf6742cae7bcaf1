#include <array>
#include <bit>
#include <cstdlib>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/data/byte_order.h"
#include "ompq/data/codecs.h"

// Windows bitmaps: a header, a palette, and rows of uncompressed pixels. Debian has no small
// library that reads them and is meant for untrusted files (stb_image states that it is not), and
// the format is simple. Every byte is read through `Bitmap`, which checks the file's length.

namespace ompq::data {
namespace {

constexpr std::uint32_t kFileHeaderBytes = 14;
constexpr std::uint32_t kOldHeaderBytes = 12;  // OS/2 1.x
constexpr std::uint32_t kPlain = 0;
constexpr std::uint32_t kRuns8 = 1;
constexpr std::uint32_t kRuns4 = 2;
constexpr std::uint32_t kBitFields = 3;
constexpr std::uint32_t kAlphaBitFields = 6;

/// The position of a channel's bits in a pixel.
struct ChannelBits {
  std::uint32_t mask = 0;
  [[nodiscard]] std::uint8_t of(std::uint32_t pixel) const {
    if (mask == 0) return 0;
    const int shift = std::countr_zero(mask);
    const std::uint64_t max = mask >> shift;
    return static_cast<std::uint8_t>(std::uint64_t{(pixel & mask) >> shift} * 255 / max);
  }
};

class Bitmap {
 public:
  Bitmap(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name) {
    pixels_at_ = at<std::uint32_t>(10);
    header_bytes_ = at<std::uint32_t>(kFileHeaderBytes);
    if (header_bytes_ != kOldHeaderBytes && header_bytes_ < 40) {
      fail(fmt::format("its header has {} bytes; it must have 12, or 40 or more", header_bytes_));
    }
    if (is_old()) {
      width_ = at<std::uint16_t>(18);
      height_ = at<std::uint16_t>(20);
      depth_ = at<std::uint16_t>(24);
    } else {
      width_ = static_cast<std::int32_t>(at<std::uint32_t>(18));
      height_ = static_cast<std::int32_t>(at<std::uint32_t>(22));
      depth_ = at<std::uint16_t>(28);
      compression_ = at<std::uint32_t>(30);
    }
    from_top_ = height_ < 0;
    height_ = std::abs(height_);
    check();
  }

  [[nodiscard]] Image decode() const {
    require_sane_size(width_, height_, 3, bytes_.size(), name_);
    // Before memory is allocated: all rows must be in the file.
    if (row_bytes() * static_cast<std::uint64_t>(height_) > bytes_.size() ||
        pixels_at_ > bytes_.size() - row_bytes() * static_cast<std::uint64_t>(height_)) {
      fail("the file ends too early");
    }
    Image image{height_, width_, 3, {}};
    image.pixels.resize(static_cast<std::size_t>(height_ * width_ * 3));
    for (std::int64_t y = 0; y < height_; ++y) {
      const std::int64_t line = from_top_ ? y : height_ - 1 - y;
      const std::uint64_t row = pixels_at_ + row_bytes() * static_cast<std::uint64_t>(line);
      std::uint8_t* out = image.pixels.data() + y * width_ * 3;
      depth_ <= 8 ? decode_indices(row, out) : decode_colours(row, out);
    }
    return image;
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    throw DataError(name_, fmt::format("the BMP image is broken: {}", reason));
  }

  template <typename T>
  [[nodiscard]] T at(std::uint64_t offset) const {
    if (offset > bytes_.size() || sizeof(T) > bytes_.size() - offset) {
      fail("the file ends too early");
    }
    return little_endian<T>(bytes_, static_cast<std::size_t>(offset));
  }

  [[nodiscard]] bool is_old() const { return header_bytes_ == kOldHeaderBytes; }
  /// Rows are padded to multiples of four bytes.
  [[nodiscard]] std::uint64_t row_bytes() const {
    return (static_cast<std::uint64_t>(depth_) * static_cast<std::uint64_t>(width_) + 31) / 32 * 4;
  }

  void check() const {
    if (compression_ == kRuns8 || compression_ == kRuns4) {
      throw DataError(name_,
                      "the BMP image is run-length encoded; save it uncompressed, or as PNG");
    }
    const bool known =
        depth_ == 1 || depth_ == 4 || depth_ == 8 || depth_ == 16 || depth_ == 24 || depth_ == 32;
    const bool has_masks = compression_ == kBitFields || compression_ == kAlphaBitFields;
    if (known && (compression_ == kPlain || (has_masks && (depth_ == 16 || depth_ == 32)))) return;
    fail(
        fmt::format("{} bits a pixel with compression {} are not supported", depth_, compression_));
  }

  /// Entries of the palette: 3 bytes in the old format, 4 in the others; blue comes first.
  void decode_indices(std::uint64_t row, std::uint8_t* out) const {
    const std::uint64_t palette = kFileHeaderBytes + header_bytes_;
    const std::uint64_t entry_bytes = is_old() ? 3 : 4;
    const auto pixels_a_byte = 8 / depth_;
    for (std::int64_t x = 0; x < width_; ++x) {
      const auto byte = at<std::uint8_t>(row + static_cast<std::uint64_t>(x / pixels_a_byte));
      const auto shift = 8 - depth_ * (1 + x % pixels_a_byte);
      const std::uint64_t index = (byte >> shift) & ((1U << depth_) - 1);
      for (std::uint64_t c = 0; c < 3; ++c) {
        *out++ = at<std::uint8_t>(palette + index * entry_bytes + 2 - c);
      }
    }
  }

  void decode_colours(std::uint64_t row, std::uint8_t* out) const {
    const std::array<ChannelBits, 3> channels = channel_bits();
    const auto bytes = static_cast<std::uint64_t>(depth_ / 8);
    for (std::int64_t x = 0; x < width_; ++x) {
      std::uint32_t pixel = 0;
      for (std::uint64_t k = 0; k < bytes; ++k) {
        const auto byte = at<std::uint8_t>(row + static_cast<std::uint64_t>(x) * bytes + k);
        pixel |= static_cast<std::uint32_t>(byte) << (8 * k);
      }
      for (const ChannelBits& channel : channels) *out++ = channel.of(pixel);
    }
  }

  [[nodiscard]] std::array<ChannelBits, 3> channel_bits() const {
    constexpr std::uint64_t kMasks = 54;
    if (compression_ != kPlain) {
      return {ChannelBits{at<std::uint32_t>(kMasks)},
              ChannelBits{at<std::uint32_t>(kMasks + 4)},
              ChannelBits{at<std::uint32_t>(kMasks + 8)}};
    }
    if (depth_ == 16) return {ChannelBits{0x7c00}, ChannelBits{0x03e0}, ChannelBits{0x001f}};
    return {ChannelBits{0xff0000}, ChannelBits{0x00ff00}, ChannelBits{0x0000ff}};
  }

  std::string_view bytes_;
  std::string_view name_;
  std::uint64_t pixels_at_ = 0;
  std::uint32_t header_bytes_ = 0;
  std::int64_t width_ = 0;
  std::int64_t height_ = 0;
  int depth_ = 0;  ///< bits per pixel
  std::uint32_t compression_ = kPlain;
  bool from_top_ = false;
};

}  // namespace

Image decode_bmp(std::string_view bytes, std::string_view name) {
  return Bitmap(bytes, name).decode();
}

}  // namespace ompq::data
