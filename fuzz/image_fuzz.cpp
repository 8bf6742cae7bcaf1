#include <cstdlib>

#include "fuzz_target.h"
#include "ompq/data/decode_image.h"
#include "ompq/data/resize.h"

namespace {

/// JPEG, PNG, WebP, BMP or TIFF. A decoded image has all of its pixels.
void decode_picture(std::string_view bytes) {
  using namespace ompq;
  const data::Image image = data::decode_image(bytes, "photo");
  const auto pixels = static_cast<std::size_t>(image.height * image.width * image.channels);
  if (image.pixels.size() != pixels) std::abort();
  constexpr std::size_t kFewPixels = 1 << 22;  // with sanitizers, more take too long
  if (pixels <= kFewPixels) (void)data::resize_to_cover(image, 8, 8, data::Interpolation::Bilinear);
}

}  // namespace

OMPQ_FUZZ_TARGET(image, decode_picture);
