#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include "ompq/core/random.h"
#include "ompq/data/image.h"

/// Small files for the tests of this room, written with the plain C libraries.
namespace ompq::data::testing {

namespace fs = std::filesystem;

inline void write_bytes(const fs::path& file, const std::string& bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary);
  stream << bytes;
  if (!stream) throw std::runtime_error("cannot write " + file.string());
}

inline Image constant_image(std::int64_t height,
                            std::int64_t width,
                            const std::vector<std::uint8_t>& colour) {
  Image image{height, width, static_cast<std::int64_t>(colour.size()), {}};
  for (std::int64_t i = 0; i < height * width; ++i) {
    image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
  }
  return image;
}

inline Image random_image(std::int64_t height,
                          std::int64_t width,
                          std::int64_t channels,
                          std::uint64_t seed) {
  Random random(seed);
  Image image{height, width, channels, {}};
  for (std::int64_t i = 0; i < height * width * channels; ++i) {
    image.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
  }
  return image;
}

struct PngOptions {
  int color_type = PNG_COLOR_TYPE_RGB;
  int bit_depth = 8;
  bool interlaced = false;
  std::vector<png_color> palette = {};
  std::vector<png_byte> palette_alpha = {};
};

/// A PNG of raw rows, as libpng's low-level interface takes them.
inline std::string png_bytes(std::int64_t height,
                             std::int64_t width,
                             std::vector<std::uint8_t> raw,
                             const PngOptions& options) {
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png,
      &bytes,
      [](png_structp self, png_bytep data, std::size_t count) {
        static_cast<std::string*>(png_get_io_ptr(self))
            ->append(reinterpret_cast<char*>(data), count);
      },
      [](png_structp) {});
  png_set_IHDR(png,
               info,
               static_cast<png_uint_32>(width),
               static_cast<png_uint_32>(height),
               options.bit_depth,
               options.color_type,
               options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!options.palette.empty()) {
    png_set_PLTE(png, info, options.palette.data(), static_cast<int>(options.palette.size()));
  }
  if (!options.palette_alpha.empty()) {
    png_set_tRNS(png,
                 info,
                 options.palette_alpha.data(),
                 static_cast<int>(options.palette_alpha.size()),
                 nullptr);
  }
  png_write_info(png, info);
  std::vector<png_bytep> rows;
  const std::size_t stride = raw.size() / static_cast<std::size_t>(height);
  for (std::int64_t y = 0; y < height; ++y) {
    rows.push_back(raw.data() + stride * static_cast<std::size_t>(y));
  }
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

inline std::string png_bytes(const Image& image) {
  PngOptions options;
  options.color_type = image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
  return png_bytes(image.height, image.width, image.pixels, options);
}

/// A JPEG of raw samples in `space`.
inline std::string jpeg_bytes(std::int64_t height,
                              std::int64_t width,
                              int components,
                              J_COLOR_SPACE space,
                              std::vector<std::uint8_t> raw) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = components;
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  jpeg_start_compress(&info, TRUE);
  const std::size_t stride = static_cast<std::size_t>(width) * static_cast<std::size_t>(components);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = raw.data() + stride * info.next_scanline;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return bytes;
}

inline std::string jpeg_bytes(const Image& image) {
  return jpeg_bytes(image.height,
                    image.width,
                    static_cast<int>(image.channels),
                    image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB,
                    image.pixels);
}

/// IDX with unsigned bytes.
inline std::string idx_bytes(const std::vector<std::uint32_t>& shape, const std::string& data) {
  std::string bytes("\0\0\x08", 3);
  bytes.push_back(static_cast<char>(shape.size()));
  for (const std::uint32_t extent : shape) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<char>(extent >> shift));
  }
  return bytes + data;
}

inline void write_gzip(const fs::path& file, const std::string& bytes) {
  gzFile stream = gzopen(file.c_str(), "wb");
  gzwrite(stream, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(stream);
}

}  // namespace ompq::data::testing
