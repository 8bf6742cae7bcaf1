#include "ompq/data/npy.h"

#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/data/byte_order.h"

namespace ompq::data {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};

struct TypeRow {
  std::string_view code;
  DataType type;
};
constexpr std::array<TypeRow, 12> kTypes{{{"f4", DataType::Float32},
                                          {"f2", DataType::Float16},
                                          {"f8", DataType::Float64},
                                          {"i1", DataType::Int8},
                                          {"u1", DataType::UInt8},
                                          {"i2", DataType::Int16},
                                          {"u2", DataType::UInt16},
                                          {"i4", DataType::Int32},
                                          {"u4", DataType::UInt32},
                                          {"i8", DataType::Int64},
                                          {"u8", DataType::UInt64},
                                          {"b1", DataType::Bool}}};

/// The header is a Python dictionary with three keys, as numpy.save writes it.
class Header {
 public:
  Header(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  [[noreturn]] void fail(std::string_view reason) const { throw DataError(name_, reason); }

  /// What follows 'key': up to `end`, without blanks around it.
  [[nodiscard]] std::string_view value(std::string_view key, std::string_view end) const {
    const std::string quoted = fmt::format("'{}':", key);
    const std::size_t at = text_.find(quoted);
    if (at == std::string_view::npos) fail(fmt::format("the array's header has no {}", key));
    std::string_view rest = text_.substr(at + quoted.size());
    const std::size_t stop = rest.find_first_of(end);
    if (stop == std::string_view::npos)
      fail(fmt::format("the array's header breaks off at {}", key));
    rest = rest.substr(0, stop);
    const std::size_t begin = rest.find_first_not_of(' ');
    return begin == std::string_view::npos ? std::string_view() : rest.substr(begin);
  }

  [[nodiscard]] DataType type() const {
    const std::string_view descr = value("descr", ",}");
    if (descr.size() == 5 && descr.front() == '\'' && descr.back() == '\'') {
      const char order = descr[1];
      const std::string_view code = descr.substr(2, 2);
      for (const TypeRow& row : kTypes) {
        if (row.code == code && (order == '<' || order == '|')) return row.type;
      }
    }
    fail(
        fmt::format("the array's element type {} is not read; save it as little-endian float32, "
                    "uint8 or an integer type",
                    descr));
  }

  void require_c_order() const {
    if (value("fortran_order", ",}") == "False") return;
    fail("the array is in Fortran order; save numpy.ascontiguousarray of it");
  }

  [[nodiscard]] std::vector<std::int64_t> shape() const {
    std::string_view list = value("shape", ")");
    if (list.empty() || list.front() != '(') fail("the array's header has no shape");
    list.remove_prefix(1);
    std::vector<std::int64_t> shape;
    while (true) {
      const std::size_t begin = list.find_first_not_of(" ,");
      if (begin == std::string_view::npos) return shape;
      list.remove_prefix(begin);
      std::int64_t extent = 0;
      const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), extent);
      if (error != std::errc() || extent < 0) fail("the array's shape is no list of lengths");
      shape.push_back(extent);
      list.remove_prefix(static_cast<std::size_t>(end - list.data()));
    }
  }

 private:
  std::string_view text_;
  std::string_view name_;
};

std::string_view code_of(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row.code;
  }
  throw DataError("npy", fmt::format("NumPy has no {}; convert to float32", name_of(type)));
}

}  // namespace

Tensor parse_npy(std::string_view bytes, std::string_view name) {
  if (bytes.size() < 12 || bytes.substr(0, kMagic.size()) != kMagic) {
    throw DataError(name, "is no NumPy array");
  }
  const bool short_length = bytes[6] == 1;
  const std::size_t begin = short_length ? 10 : 12;
  const std::size_t length = short_length
                                 ? little_endian<std::uint16_t>(bytes, 8)
                                 : static_cast<std::size_t>(little_endian<std::uint32_t>(bytes, 8));
  if (length > bytes.size() - begin) throw DataError(name, "the array's header is cut short");
  const Header header(bytes.substr(begin, length), name);
  header.require_c_order();
  const DataType type = header.type();
  std::vector<std::int64_t> shape = header.shape();
  const std::string_view data = bytes.substr(begin + length);
  const auto elements = static_cast<std::uint64_t>(element_count(shape));
  if (elements != data.size() / size_of(type) || data.size() % size_of(type) != 0) {
    throw DataError(name,
                    fmt::format("the array holds {} bytes; {} elements of {} need {}",
                                data.size(),
                                shape_text(shape),
                                name_of(type),
                                elements * size_of(type)));
  }
  return Tensor::from_bytes(type, std::move(shape), std::as_bytes(std::span(data)));
}

std::string to_npy(const Tensor& tensor) {
  const bool one_byte = size_of(tensor.type()) == 1;
  const bool one_axis = tensor.rank() == 1;
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   one_byte ? '|' : '<',
                                   code_of(tensor.type()),
                                   fmt::join(tensor.shape(), ", "),
                                   one_axis ? "," : "");
  // The elements begin at a multiple of 64 bytes, behind a line break.
  constexpr std::size_t kPrefix = 10;
  header.append(63 - (kPrefix + header.size()) % 64, ' ');
  header.push_back('\n');
  std::string bytes(kMagic);
  bytes += '\x01';
  bytes += '\x00';
  append_little_endian(bytes, static_cast<std::uint16_t>(header.size()));
  bytes += header;
  const auto data = tensor.bytes();
  bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
  return bytes;
}

}  // namespace ompq::data
