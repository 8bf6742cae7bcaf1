#include <csetjmp>
#include <cstring>
#include <string>

#include <fmt/format.h>
#include <png.h>

#include "ompq/core/error.h"
#include "ompq/data/codecs.h"

namespace ompq::data {
namespace {

/// libpng's state, its input and its last error. libpng is C code: exceptions must not unwind it,
/// so errors use longjmp.
class PngDecoder {
 public:
  explicit PngDecoder(std::string_view bytes) : rest_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  /// Reads the header and requests 8-bit gray or RGB. No object with a destructor may be alive in
  /// the frames that a longjmp leaves.
  bool start() {
    if (info_ == nullptr || setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, this, on_read);
    // Texts and colour profiles are not used, and a kilobyte of them unpacks to a megabyte.
    static constexpr png_byte kUnused[] = "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0eXIf";
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    png_set_keep_unknown_chunks(
        png_, PNG_HANDLE_CHUNK_NEVER, kUnused, static_cast<int>(sizeof(kUnused) / 5));
    png_read_info(png_, info_);
    png_set_scale_16(png_);
    png_set_expand(png_);
    png_set_strip_alpha(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool read(std::uint8_t* pixels) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    const std::size_t stride = png_get_rowbytes(png_, info_);
    for (int pass = 0; pass < passes_; ++pass) {
      for (std::int64_t y = 0; y < height(); ++y) {
        png_read_row(png_, pixels + stride * static_cast<std::size_t>(y), nullptr);
      }
    }
    png_read_end(png_, nullptr);
    return true;
  }

  [[nodiscard]] std::int64_t width() const { return png_get_image_width(png_, info_); }
  [[nodiscard]] std::int64_t height() const { return png_get_image_height(png_, info_); }
  [[nodiscard]] std::int64_t channels() const { return png_get_channels(png_, info_); }
  [[nodiscard]] std::string reason() const { return reason_; }

 private:
  [[noreturn]] static void on_error(png_structp png, png_const_charp text) {
    auto* self = static_cast<PngDecoder*>(png_get_error_ptr(png));
    std::strncpy(self->reason_, text, sizeof(self->reason_) - 1);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp /*png*/, png_const_charp /*text*/) {}
  static void on_read(png_structp png, png_bytep out, std::size_t count) {
    auto* self = static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (count > self->rest_.size()) png_error(png, "the file ends too early");
    std::memcpy(out, self->rest_.data(), count);
    self->rest_.remove_prefix(count);
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
  std::string_view rest_;
  char reason_[160] = "out of memory";
};

[[noreturn]] void throw_broken(std::string_view name, const PngDecoder& decoder) {
  throw DataError(name, fmt::format("the PNG image is broken: {}", decoder.reason()));
}

}  // namespace

Image decode_png(std::string_view bytes, std::string_view name) {
  PngDecoder decoder(bytes);
  if (!decoder.start()) throw_broken(name, decoder);
  require_sane_size(decoder.width(), decoder.height(), decoder.channels(), bytes.size(), name);
  Image image{decoder.height(), decoder.width(), decoder.channels(), {}};
  image.pixels.resize(static_cast<std::size_t>(image.height * image.width * image.channels));
  if (!decoder.read(image.pixels.data())) throw_broken(name, decoder);
  return image;
}

}  // namespace ompq::data
