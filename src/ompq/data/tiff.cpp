#ifdef OMPQ_TIFF  // libtiff is optional

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <tiffio.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/data/codecs.h"

namespace ompq::data {
namespace {

/// An in-memory file for libtiff, and the last error.
struct TiffSource {
  std::string_view bytes;
  std::uint64_t at = 0;
  std::string reason = "it has no image that libtiff supports";
};

TiffSource& source_of(thandle_t handle) { return *static_cast<TiffSource*>(handle); }

tmsize_t read_bytes(thandle_t handle, void* out, tmsize_t count) {
  TiffSource& source = source_of(handle);
  if (source.at >= source.bytes.size()) return 0;
  const auto rest = static_cast<tmsize_t>(source.bytes.size() - source.at);
  const tmsize_t taken = std::min(count, rest);
  std::memcpy(out, source.bytes.data() + source.at, static_cast<std::size_t>(taken));
  source.at += static_cast<std::uint64_t>(taken);
  return taken;
}

tmsize_t write_nothing(thandle_t /*handle*/, void* /*bytes*/, tmsize_t /*count*/) { return 0; }

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  TiffSource& source = source_of(handle);
  if (whence == SEEK_SET) source.at = offset;
  if (whence == SEEK_CUR) source.at += offset;
  if (whence == SEEK_END) source.at = source.bytes.size() + offset;
  return source.at;
}

int close_nothing(thandle_t /*handle*/) { return 0; }
toff_t size_of_source(thandle_t handle) { return source_of(handle).bytes.size(); }

/// An error handler per file, so that threads do not share one. @return 1: libtiff prints nothing
int keep_reason(TIFF* /*tiff*/, void* source, const char* module, const char* text, va_list list) {
  char buffer[256];
  std::vsnprintf(buffer, sizeof(buffer), text, list);
  static_cast<TiffSource*>(source)->reason =
      module == nullptr ? buffer : fmt::format("{}: {}", module, buffer);
  return 1;
}

int say_nothing(TIFF* /*tiff*/, void* /*source*/, const char*, const char*, va_list) { return 1; }

/// libtiff's pixel, the image's, and the file's decoded strip or tile.
constexpr std::int64_t kBytesPerPixel = 4 + 3 + 4;

using Tiff = std::unique_ptr<TIFF, void (*)(TIFF*)>;

Tiff open_tiff(TiffSource& source) {
  const tmsize_t most = allowed_bytes(static_cast<std::int64_t>(source.bytes.size()));
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), most);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_reason, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), say_nothing, &source);
  return {TIFFClientOpenExt("picture",
                            "rm",  // m: no memory mapping, the bytes are already in memory
                            &source,
                            read_bytes,
                            write_nothing,
                            seek,
                            close_nothing,
                            size_of_source,
                            nullptr,
                            nullptr,
                            options.get()),
          TIFFClose};
}

/// libtiff multiplies colours by unassociated alpha and leaves associated alpha unchanged. Marking
/// alpha as associated keeps the colours, so that it can be dropped as for other formats.
void drop_alpha(TIFF* tiff) {
  std::uint16_t count = 0;
  std::uint16_t* kinds = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) == 0 || count == 0) return;
  std::vector<std::uint16_t> left(kinds, kinds + count);
  std::replace(left.begin(), left.end(), EXTRASAMPLE_UNASSALPHA, EXTRASAMPLE_ASSOCALPHA);
  TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, count, left.data());
}

/// The first page as libtiff's 32-bit pixels, row by row from the top of the file's own rows.
bool read_pixels(TIFF* tiff, std::vector<std::uint32_t>& raster, TiffSource& source) {
  char reason[1024] = "";
  TIFFRGBAImage reader;
  if (TIFFRGBAImageOK(tiff, reason) == 0 || TIFFRGBAImageBegin(&reader, tiff, 1, reason) == 0) {
    if (reason[0] != '\0') source.reason = reason;
    return false;
  }
  reader.req_orientation = reader.orientation;  // no rotation, as for every format
  const bool done = TIFFRGBAImageGet(&reader, raster.data(), reader.width, reader.height) != 0;
  TIFFRGBAImageEnd(&reader);
  return done;
}

}  // namespace

Image decode_tiff(std::string_view bytes, std::string_view name) {
  TiffSource source{bytes};
  const auto fail = [&] {
    throw DataError(name, fmt::format("the TIFF image cannot be read: {}", source.reason));
  };
  const Tiff tiff = open_tiff(source);
  if (tiff == nullptr) fail();
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  require_sane_size(width, height, kBytesPerPixel, bytes.size(), name);
  drop_alpha(tiff.get());
  std::vector<std::uint32_t> raster(std::size_t{width} * height);
  if (!read_pixels(tiff.get(), raster, source)) fail();
  Image image{height, width, 3, {}};
  image.pixels.reserve(raster.size() * 3);
  for (const std::uint32_t pixel : raster) {
    image.pixels.push_back(static_cast<std::uint8_t>(TIFFGetR(pixel)));
    image.pixels.push_back(static_cast<std::uint8_t>(TIFFGetG(pixel)));
    image.pixels.push_back(static_cast<std::uint8_t>(TIFFGetB(pixel)));
  }
  return image;
}

}  // namespace ompq::data

#endif
