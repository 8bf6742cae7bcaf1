#include "ompq/core/named_tensors_file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"

namespace ompq {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is little-endian");

constexpr std::string_view kMagic = "ompq-named-tensors/1\n";
constexpr std::size_t kHashBytes = 64;  // SHA-256 in hexadecimal
constexpr auto kLastType = static_cast<std::uint8_t>(DataType::Bool);

// --- writing -------------------------------------------------------------------------------------

void put(std::string& out, std::uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

void put(std::string& out, const Tensor& tensor) {
  put(out, static_cast<std::uint64_t>(tensor.type()));
  put(out, static_cast<std::uint64_t>(tensor.rank()));
  for (const std::int64_t extent : tensor.shape()) put(out, static_cast<std::uint64_t>(extent));
  const auto bytes = tensor.bytes();
  put(out, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void require_distinct_names(const NamedTensors& content) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : content.tensors) {
    if (names.insert(name).second) continue;
    throw ConfigError("checkpoint", fmt::format("two tensors are named \"{}\"", name));
  }
}

std::string serialized(const NamedTensors& content) {
  std::size_t size = 1024;
  for (const auto& [name, tensor] : content.tensors) size += tensor.bytes().size() + 256;
  std::string out;
  out.reserve(size);
  out += kMagic;
  put(out, std::string_view(content.format));
  put(out, std::string_view(content.fingerprint));
  put(out, std::uint64_t{content.options.size()});
  for (const auto& [name, value] : content.options) {
    put(out, std::string_view(name));
    put(out, std::string_view(value));
  }
  put(out, std::string_view(content.metadata));
  put(out, std::uint64_t{content.tensors.size()});
  for (const auto& [name, tensor] : content.tensors) {
    put(out, std::string_view(name));
    put(out, tensor);
  }
  out += sha256(out);
  return out;
}

// --- reading -------------------------------------------------------------------------------------

/// Parses a file's bytes. Numbers are checked although the checksum matched: a malicious file may
/// have a valid checksum.
class Reader {
 public:
  Reader(std::string name, std::string_view bytes) : name_(std::move(name)), rest_(bytes) {}

  [[noreturn]] void fail(std::string_view reason) const {
    throw DataError(name_, fmt::format("{}; remove the file, or name another one", reason));
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  [[nodiscard]] std::uint64_t number() {
    std::uint64_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  /// A count of items that take at least eight bytes each.
  [[nodiscard]] std::size_t count() {
    const std::uint64_t value = number();
    if (value > rest_.size() / sizeof value) fail("the file is shorter than its header declares");
    return static_cast<std::size_t>(value);
  }
  [[nodiscard]] std::string_view text() {
    const std::uint64_t size = number();
    if (size > rest_.size()) fail("the file is shorter than its header declares");
    return take(static_cast<std::size_t>(size));
  }
  [[nodiscard]] Tensor tensor() {
    const std::uint64_t type = number();
    if (type > kLastType) fail(fmt::format("unknown element type {}", type));
    std::vector<std::int64_t> shape;
    for (std::size_t left = count(); left > 0; --left) {
      const std::uint64_t extent = number();
      if (extent > std::uint64_t{std::numeric_limits<std::int32_t>::max()} << 16) {
        fail("a tensor's shape is too large");
      }
      shape.push_back(static_cast<std::int64_t>(extent));
    }
    const std::string_view bytes = text();
    try {
      return Tensor::from_bytes(
          static_cast<DataType>(type), std::move(shape), std::as_bytes(std::span(bytes)));
    } catch (const ShapeError& error) {
      fail(error.what());
    }
  }

 private:
  [[nodiscard]] std::string_view take(std::size_t size) {
    if (size > rest_.size()) fail("the file is shorter than its header declares");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string name_;
  std::string_view rest_;
};

NamedTensors parsed(Reader& reader, std::string_view format) {
  NamedTensors content;
  content.format = reader.text();
  if (content.format != format) {
    reader.fail(fmt::format("its format is \"{}\"; expected \"{}\"", content.format, format));
  }
  content.fingerprint = reader.text();
  for (std::size_t left = reader.count(); left > 0; --left) {
    const std::string name(reader.text());
    content.options.emplace_back(name, reader.text());
  }
  content.metadata = reader.text();
  for (std::size_t left = reader.count(); left > 0; --left) {
    const std::string name(reader.text());
    content.tensors.emplace_back(name, reader.tensor());
  }
  if (!reader.at_end()) reader.fail("it has extra bytes after its end");
  return content;
}

std::optional<std::string> value_of(const NamedTensors& content, std::string_view option) {
  for (const auto& [name, value] : content.options) {
    if (name == option) return value;
  }
  return std::nullopt;
}

std::string difference(std::string_view option,
                       const std::optional<std::string>& then,
                       const std::optional<std::string>& now) {
  return fmt::format(
      "{} was {} and is {}", option, then.value_or("not given"), now.value_or("not given"));
}

}  // namespace

void write_named_tensors(const std::filesystem::path& file, const NamedTensors& content) {
  require_distinct_names(content);
  write_file_atomically(file, std::string_view(serialized(content)));
}

NamedTensors read_named_tensors(const std::filesystem::path& file, std::string_view format) {
  const std::string bytes = read_file(file);
  const std::string_view whole = bytes;
  const Reader about(file.string(), {});
  if (!whole.starts_with(kMagic)) about.fail("it is not a checkpoint of ompq");
  if (whole.size() < kMagic.size() + kHashBytes) about.fail("it is truncated");
  const std::string_view content = whole.substr(0, whole.size() - kHashBytes);
  if (sha256(content) != whole.substr(content.size())) {
    about.fail("its checksum does not match: it is damaged or truncated");
  }
  Reader reader(file.string(), content.substr(kMagic.size()));
  return parsed(reader, format);
}

bool is_named_tensors_file(const std::filesystem::path& file) {
  const std::string_view any_version = kMagic.substr(0, kMagic.find('/') + 1);
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw FileError(file.string(), fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  std::string start(any_version.size(), '\0');
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  return start == any_version;
}

std::string difference_of_runs(const NamedTensors& stored, const NamedTensors& now) {
  std::vector<std::string> differences;
  if (stored.fingerprint != now.fingerprint) {
    differences.emplace_back("another model, bit-widths or samples");
  }
  for (const auto& [name, value] : now.options) {
    const auto then = value_of(stored, name);
    if (then != value) differences.push_back(difference(name, then, value));
  }
  for (const auto& [name, value] : stored.options) {
    if (!value_of(now, name)) differences.push_back(difference(name, value, std::nullopt));
  }
  return fmt::format("{}", fmt::join(differences, ", "));
}

const Tensor& tensor_named(const std::filesystem::path& file,
                           const NamedTensors& content,
                           std::string_view name) {
  const auto found = std::find_if(content.tensors.begin(),
                                  content.tensors.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  if (found != content.tensors.end()) return found->second;
  throw DataError(file.string(),
                  fmt::format("it has no tensor \"{}\"; remove it, or choose another file", name));
}

}  // namespace ompq
