#include "ompq/data/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
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

/// Why elements of this kind (the letter of a descr) are not supported.
std::string_view reason_for(char kind) {
  switch (kind) {
    case 'O':
      return "Python objects, which only Python can read; save numbers";
    case 'U':
    case 'S':
      return "text; give numbers";
    case 'c':
      return "complex numbers; save their real and imaginary parts as two channels";
    case 'M':
    case 'm':
      return "dates or durations; give numbers";
    default:
      return "not numbers of 1 to 8 bytes; save it as float32, uint8 or an integer type";
  }
}

/// How the elements are stored in the file.
struct Elements {
  DataType type = DataType::Float32;
  bool swapped = false;  ///< big-endian
};

/// The header is a Python dictionary with three keys, as numpy.save writes it.
class Header {
 public:
  Header(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  [[noreturn]] void fail(std::string_view reason) const { throw DataError(name_, reason); }

  /// The text after 'key': up to `end`, trimmed.
  [[nodiscard]] std::string_view value(std::string_view key, std::string_view end) const {
    const std::string quoted = fmt::format("'{}':", key);
    const std::size_t at = text_.find(quoted);
    if (at == std::string_view::npos) fail(fmt::format("the array's header has no {}", key));
    std::string_view rest = text_.substr(at + quoted.size());
    const std::size_t stop = rest.find_first_of(end);
    if (stop == std::string_view::npos) fail(fmt::format("the array's header ends at {}", key));
    rest = rest.substr(0, stop);
    const std::size_t begin = rest.find_first_not_of(' ');
    return begin == std::string_view::npos ? std::string_view() : rest.substr(begin);
  }

  /// The element type without its quotes: byte order, kind and size, such as <f4; empty for a
  /// record of several fields.
  [[nodiscard]] std::string_view descr() const {
    const std::string_view quoted = value("descr", ",}");
    const bool plain = quoted.size() > 3 && quoted.front() == '\'' && quoted.back() == '\'';
    return plain ? quoted.substr(1, quoted.size() - 2) : std::string_view();
  }

  [[nodiscard]] Elements elements() const {
    const std::string_view code = descr();
    for (const TypeRow& row : kTypes) {
      if (!code.empty() && row.code == code.substr(1)) return {row.type, code.front() == '>'};
    }
    fail(fmt::format("the array's elements are {} ({})",
                     code.size() > 1 ? reason_for(code[1]) : "records of several fields",
                     code.empty() ? value("descr", "}") : code));
  }

  [[nodiscard]] bool is_fortran() const {
    const std::string_view order = value("fortran_order", ",}");
    if (order != "True" && order != "False") fail("the array's fortran_order is not a bool");
    return order == "True";
  }

  [[nodiscard]] std::vector<std::int64_t> shape() const {
    std::string_view list = value("shape", ")");
    if (list.empty() || list.front() != '(') fail("the array's header has no shape");
    list.remove_prefix(1);
    std::vector<std::int64_t> shape;
    std::int64_t elements = 1;
    while (true) {
      const std::size_t begin = list.find_first_not_of(" ,");
      if (begin == std::string_view::npos) return shape;
      list.remove_prefix(begin);
      std::int64_t extent = 0;
      const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), extent);
      if (error != std::errc() || extent < 0) fail("the array's shape is not a list of extents");
      shape.push_back(extent);
      elements = saturated_product(elements, extent);
      if (elements == std::numeric_limits<std::int64_t>::max()) {
        fail(fmt::format("an array of shape {} cannot exist", shape_text(shape)));
      }
      list.remove_prefix(static_cast<std::size_t>(end - list.data()));
    }
  }

 private:
  std::string_view text_;
  std::string_view name_;
};

/// The parts of a file.
struct Parts {
  Header header;
  std::string_view data;
};

Parts split(std::string_view bytes, std::string_view name) {
  if (bytes.size() < 12 || bytes.substr(0, kMagic.size()) != kMagic) {
    throw DataError(name, "is not a NumPy array");
  }
  const bool short_length = bytes[6] == 1;
  const std::size_t begin = short_length ? 10 : 12;
  const std::size_t length = short_length
                                 ? little_endian<std::uint16_t>(bytes, 8)
                                 : static_cast<std::size_t>(little_endian<std::uint32_t>(bytes, 8));
  if (length > bytes.size() - begin) throw DataError(name, "the array's header is truncated");
  return {Header(bytes.substr(begin, length), name), bytes.substr(begin + length)};
}

void require_bytes(const Parts& parts,
                   const std::vector<std::int64_t>& shape,
                   std::size_t element_bytes,
                   std::string_view what) {
  const auto elements = static_cast<std::uint64_t>(element_count(shape));
  if (elements == parts.data.size() / element_bytes && parts.data.size() % element_bytes == 0) {
    return;
  }
  parts.header.fail(fmt::format("the array has {} bytes; {} elements of {} need {}",
                                parts.data.size(),
                                shape_text(shape),
                                what,
                                elements * element_bytes));
}

void reverse_elements(std::string& data, std::size_t element_bytes) {
  for (std::size_t at = 0; at + element_bytes <= data.size(); at += element_bytes) {
    std::reverse(data.begin() + static_cast<std::ptrdiff_t>(at),
                 data.begin() + static_cast<std::ptrdiff_t>(at + element_bytes));
  }
}

/// Converts elements from Fortran order (first index fastest) to C order (last index fastest).
std::string in_c_order(std::string_view data,
                       const std::vector<std::int64_t>& shape,
                       std::size_t element_bytes) {
  std::vector<std::size_t> strides;  // in the file, in elements
  std::size_t stride = 1;
  for (const std::int64_t extent : shape) {
    strides.push_back(stride);
    stride *= static_cast<std::size_t>(extent);
  }
  std::string result(data.size(), '\0');
  std::vector<std::int64_t> index(shape.size(), 0);
  std::size_t from = 0;
  for (std::size_t at = 0; at < data.size(); at += element_bytes) {
    std::memcpy(result.data() + at, data.data() + from * element_bytes, element_bytes);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * static_cast<std::size_t>(shape[axis]);
      index[axis] = 0;
    }
  }
  return result;
}

std::string_view code_of(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row.code;
  }
  throw DataError("npy", fmt::format("NumPy has no {}; convert to float32", name_of(type)));
}

void append_utf8(std::string& text, std::uint32_t point) {
  const auto tail = [&](int shift) {
    text.push_back(static_cast<char>(0x80U | ((point >> shift) & 0x3fU)));
  };
  if (point < 0x80) {
    text.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    text.push_back(static_cast<char>(0xc0U | (point >> 6)));
    tail(0);
  } else if (point < 0x10000) {
    text.push_back(static_cast<char>(0xe0U | (point >> 12)));
    tail(6);
    tail(0);
  } else {
    text.push_back(static_cast<char>(0xf0U | ((point >> 18) & 7U)));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// One text element, without NumPy's padding zeros.
std::string text_of(std::string_view element, bool unicode, bool swapped) {
  std::string text;
  if (!unicode) return std::string(element.substr(0, element.find_last_not_of('\0') + 1));
  for (std::size_t at = 0; at + 4 <= element.size(); at += 4) {
    const std::uint32_t point = swapped ? big_endian<std::uint32_t>(element, at)
                                        : little_endian<std::uint32_t>(element, at);
    if (point == 0) break;
    append_utf8(text, point);
  }
  return text;
}

}  // namespace

Tensor parse_npy(std::string_view bytes, std::string_view name) {
  const Parts parts = split(bytes, name);
  const Elements elements = parts.header.elements();
  const bool fortran = parts.header.is_fortran();
  std::vector<std::int64_t> shape = parts.header.shape();
  const std::size_t size = size_of(elements.type);
  require_bytes(parts, shape, size, name_of(elements.type));
  const bool swapped = elements.swapped && size > 1;
  const bool reordered = fortran && shape.size() > 1;
  if (!swapped && !reordered) {
    return Tensor::from_bytes(
        elements.type, std::move(shape), std::as_bytes(std::span(parts.data)));
  }
  std::string data = reordered ? in_c_order(parts.data, shape, size) : std::string(parts.data);
  if (swapped) reverse_elements(data, size);
  return Tensor::from_bytes(elements.type, std::move(shape), std::as_bytes(std::span(data)));
}

std::vector<std::string> parse_npy_text(std::string_view bytes, std::string_view name) {
  const Parts parts = split(bytes, name);
  const std::string_view code = parts.header.descr();
  std::size_t length = 0;
  const bool is_text =
      code.size() > 2 && (code[1] == 'U' || code[1] == 'S') &&
      std::from_chars(code.data() + 2, code.data() + code.size(), length).ec == std::errc() &&
      length > 0 && length <= (std::size_t{1} << 24);
  if (!is_text) parts.header.fail(fmt::format("the array's elements are not text ({})", code));
  const bool unicode = code[1] == 'U';
  const std::size_t size = unicode ? 4 * length : length;
  const std::vector<std::int64_t> shape = parts.header.shape();
  require_bytes(parts, shape, size, "text");
  const auto count = static_cast<std::int64_t>(element_count(shape));
  const std::int64_t needed = saturated_product(count, sizeof(std::string) + size);
  if (needed > memory_limit()) {
    parts.header.fail(fmt::format(
        "an array of {} texts {}", count, over_memory_limit(needed, 0, "save it as numbers")));
  }
  const std::string data =
      parts.header.is_fortran() ? in_c_order(parts.data, shape, size) : std::string(parts.data);
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < data.size(); at += size) {
    texts.push_back(text_of(std::string_view(data).substr(at, size), unicode, code.front() == '>'));
  }
  return texts;
}

std::string to_npy(const Tensor& tensor) {
  const bool one_byte = size_of(tensor.type()) == 1;
  const bool one_axis = tensor.rank() == 1;
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   one_byte ? '|' : '<',
                                   code_of(tensor.type()),
                                   fmt::join(tensor.shape(), ", "),
                                   one_axis ? "," : "");
  // The elements begin at a multiple of 64 bytes, after a line break.
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
