#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/pixel_array.h"

namespace ompq::data {

PixelArray read_cifar10(const std::vector<std::filesystem::path>& files) {
  constexpr std::size_t kPixels = 3 * 32 * 32;
  constexpr std::size_t kRecord = 1 + kPixels;
  constexpr int kClasses = 10;
  PixelArray array;
  std::string pixels;
  for (const auto& file : files) {
    const std::string bytes = read_file(file);
    if (bytes.empty() || bytes.size() % kRecord != 0) {
      throw DataError(file.string(),
                      fmt::format("holds {} bytes; a CIFAR-10 batch is a whole number of records "
                                  "of {}",
                                  bytes.size(),
                                  kRecord));
    }
    for (std::size_t at = 0; at < bytes.size(); at += kRecord) {
      const int label = static_cast<std::uint8_t>(bytes[at]);
      if (label >= kClasses) {
        throw DataError(file.string(),
                        fmt::format("record {} has label {}; CIFAR-10 has the classes 0..{}",
                                    at / kRecord,
                                    label,
                                    kClasses - 1));
      }
      array.labels.values.push_back(label);
      pixels.append(bytes, at + 1, kPixels);
    }
  }
  const auto count = static_cast<std::int64_t>(array.labels.values.size());
  array.pixels =
      Tensor::from_bytes(DataType::UInt8, {count, 3, 32, 32}, std::as_bytes(std::span(pixels)));
  return array;
}

}  // namespace ompq::data
