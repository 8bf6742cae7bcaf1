#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <jerror.h>
#include <jpeglib.h>

#include "ompq/core/error.h"
#include "ompq/data/codecs.h"

namespace ompq::data {
namespace {

/// libjpeg's error state and jump target. libjpeg is C code: exceptions must not unwind it.
struct JpegFailure {
  jpeg_error_mgr manager;  // first member, so that libjpeg's pointer can be cast to this type
  std::jmp_buf give_up;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void on_error(j_common_ptr info) {
  auto* failure = reinterpret_cast<JpegFailure*>(info->err);
  failure->manager.format_message(info, failure->text);
  std::longjmp(failure->give_up, 1);
}

/// libjpeg warns and fills the rest with gray if data is missing; such a sample is broken. Other
/// warnings (stray bytes between segments) are harmless.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
      on_error(info);
    default:
      ++info->err->num_warnings;
  }
}

class JpegDecoder {
 public:
  JpegDecoder() {
    info_.err = jpeg_std_error(&failure_.manager);
    failure_.manager.error_exit = on_error;
    failure_.manager.emit_message = on_message;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  /// No object with a destructor may be alive in the frames that a longjmp leaves.
  bool start(std::string_view bytes) {
    if (setjmp(failure_.give_up) != 0) return false;
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&info_, TRUE);
    switch (info_.jpeg_color_space) {
      case JCS_GRAYSCALE:
        info_.out_color_space = JCS_GRAYSCALE;
        break;
      case JCS_CMYK:
      case JCS_YCCK:
        info_.out_color_space = JCS_CMYK;
        break;
      default:
        info_.out_color_space = JCS_RGB;
    }
    jpeg_calc_output_dimensions(&info_);
    return true;
  }

  bool read(std::uint8_t* pixels) {
    if (setjmp(failure_.give_up) != 0) return false;
    jpeg_start_decompress(&info_);
    const std::size_t stride =
        static_cast<std::size_t>(info_.output_width) * static_cast<std::size_t>(components());
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels + stride * info_.output_scanline;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  [[nodiscard]] std::int64_t width() const { return info_.output_width; }
  [[nodiscard]] std::int64_t height() const { return info_.output_height; }
  [[nodiscard]] int components() const { return info_.out_color_components; }
  /// With several scans, libjpeg keeps the coefficients of all of them.
  [[nodiscard]] std::int64_t bytes_per_pixel() {
    const auto coefficients = static_cast<std::int64_t>(sizeof(JCOEF)) * info_.num_components;
    return components() + (jpeg_has_multiple_scans(&info_) != 0 ? coefficients : 0);
  }
  [[nodiscard]] std::string reason() const { return failure_.text; }

 private:
  jpeg_decompress_struct info_{};
  JpegFailure failure_{};
};

/// Photo editors store CMYK inverted (255 is no ink), so each RGB channel is ink times black.
std::vector<std::uint8_t> cmyk_to_rgb(const std::vector<std::uint8_t>& cmyk) {
  std::vector<std::uint8_t> rgb(cmyk.size() / 4 * 3);
  for (std::size_t i = 0; i < cmyk.size() / 4; ++i) {
    const unsigned black = cmyk[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[3 * i + c] = static_cast<std::uint8_t>((cmyk[4 * i + c] * black + 127) / 255);
    }
  }
  return rgb;
}

[[noreturn]] void throw_broken(std::string_view name, const JpegDecoder& decoder) {
  throw DataError(name, fmt::format("the JPEG image is broken: {}", decoder.reason()));
}

}  // namespace

Image decode_jpeg(std::string_view bytes, std::string_view name) {
  JpegDecoder decoder;
  if (!decoder.start(bytes)) throw_broken(name, decoder);
  require_sane_size(
      decoder.width(), decoder.height(), decoder.bytes_per_pixel(), bytes.size(), name);
  Image image{decoder.height(), decoder.width(), decoder.components(), {}};
  image.pixels.resize(static_cast<std::size_t>(image.height * image.width * image.channels));
  if (!decoder.read(image.pixels.data())) throw_broken(name, decoder);
  if (image.channels == 4) {
    image.pixels = cmyk_to_rgb(image.pixels);
    image.channels = 3;
  }
  return image;
}

}  // namespace ompq::data
