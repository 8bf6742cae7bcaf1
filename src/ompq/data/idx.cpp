#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <zlib.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/data/byte_order.h"
#include "ompq/data/pixel_array.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;

/// A plain or gzip file; zlib detects which.
class GzipFile {
 public:
  explicit GzipFile(const fs::path& file)
      : name_(file.string()), handle_(gzopen(name_.c_str(), "rb"), gzclose) {
    if (handle_ == nullptr) throw FileError(name_, "cannot be opened for reading");
  }

  /// The next `count` bytes, fewer at the end of the file.
  [[nodiscard]] std::string read(std::size_t count) {
    constexpr std::size_t kStep = 1 << 24;
    std::string bytes;
    // Grows with the bytes actually read: the header may declare any size.
    while (bytes.size() < count) {
      const std::size_t at = bytes.size();
      const std::size_t step = std::min(kStep, count - at);
      bytes.resize(at + step);
      const int got = gzread(handle_.get(), bytes.data() + at, static_cast<unsigned>(step));
      bytes.resize(at + static_cast<std::size_t>(std::max(got, 0)));
      if (got < static_cast<int>(step)) break;
    }
    int error = Z_OK;
    const char* reason = gzerror(handle_.get(), &error);
    if (error != Z_OK && error != Z_STREAM_END) {
      throw DataError(name_, fmt::format("the gzip file is broken: {}", reason));
    }
    return bytes;
  }

 private:
  std::string name_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> handle_;
};

std::optional<fs::path> labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  const auto replace = [&name](std::string_view from, std::string_view to) {
    const std::size_t at = name.rfind(from);
    if (at != std::string::npos) name.replace(at, from.size(), to);
    return at != std::string::npos;
  };
  if (!replace("images", "labels")) return std::nullopt;
  replace("idx3", "idx1");
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  for (const char* suffix : {"", ".gz"}) {
    const fs::path candidate = images.parent_path() / (name + suffix);
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored)) return candidate;
  }
  return std::nullopt;
}

/// A gzip file may unpack to a thousand times its size. One that declares even more is truncated,
/// which reading it reports.
void require_memory(const fs::path& file,
                    const std::vector<std::int64_t>& shape,
                    std::int64_t needed) {
  const auto size = static_cast<std::int64_t>(fs::file_size(file));
  constexpr std::int64_t kMaxDeflateRatio = 1032;
  if (needed <= allowed_bytes(size) || needed / kMaxDeflateRatio > size) return;
  throw DataError(
      file.string(),
      fmt::format("its header declares {}, which {}",
                  shape_text(shape),
                  over_memory_limit(needed, size, "split it, or unpack it if it is a gzip file")));
}

}  // namespace

Tensor read_idx(const fs::path& file) {
  constexpr std::uint8_t kUnsignedByte = 8;
  constexpr std::size_t kMaxRank = 8;
  GzipFile stream(file);
  const std::string magic = stream.read(4);
  const std::size_t rank = magic.size() == 4 ? static_cast<std::uint8_t>(magic[3]) : 0;
  if (rank < 1 || rank > kMaxRank || magic[0] != 0 || magic[1] != 0) {
    throw DataError(
        file.string(),
        "is not an IDX file: it must begin with the bytes 00 00 08 and the number of dimensions");
  }
  if (magic[2] != kUnsignedByte) {
    throw DataError(file.string(),
                    fmt::format("holds elements of IDX type 0x{:02x}; only unsigned bytes (0x08) "
                                "are read",
                                static_cast<std::uint8_t>(magic[2])));
  }
  const std::string lengths = stream.read(4 * rank);
  if (lengths.size() != 4 * rank) throw DataError(file.string(), "the IDX header is truncated");
  std::vector<std::int64_t> shape;
  for (std::size_t i = 0; i < rank; ++i) shape.push_back(big_endian<std::uint32_t>(lengths, 4 * i));
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) elements = saturated_product(elements, extent);
  require_memory(file, shape, elements);
  const auto expected = static_cast<std::size_t>(elements);
  const std::string bytes = stream.read(expected + 1);
  if (bytes.size() != expected) {
    throw DataError(file.string(),
                    fmt::format("has {} bytes of data, but its header declares {} = {}",
                                bytes.size() > expected ? "more" : std::to_string(bytes.size()),
                                shape_text(shape),
                                expected));
  }
  return Tensor::from_bytes(DataType::UInt8, std::move(shape), std::as_bytes(std::span(bytes)));
}

PixelArray read_idx_images(const fs::path& images) {
  PixelArray array{read_idx(images), {}};
  const auto labels_file = labels_beside(images);
  if (!labels_file) return array;
  try {
    const Tensor labels = read_idx(*labels_file);
    array.labels = labels_of(labels, array.pixels.shape()[0], labels_file->string());
  } catch (const Error& error) {
    array.labels.fault = fmt::format("{}: {}", error.where(), error.reason());
  }
  return array;
}

}  // namespace ompq::data
