#include "ompq/onnx_io/external_data.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::onnx_io {
namespace fs = std::filesystem;
namespace {

struct Location {
  std::string path;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};

std::uint64_t parse_count(const onnx::StringStringEntryProto& entry,
                          const std::string& what,
                          const ModelPlace& place) {
  const std::string& text = entry.value();
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    throw ImportError(
        place.name,
        fmt::format(
            "external data of {} has {} '{}', which is no byte count", what, entry.key(), text));
  }
  return number;
}

Location read_location(const onnx::TensorProto& proto,
                       const std::string& what,
                       const ModelPlace& place) {
  Location location;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location.path = entry.value();
    if (entry.key() == "offset") location.offset = parse_count(entry, what, place);
    if (entry.key() == "length") location.length = parse_count(entry, what, place);
  }
  if (location.path.empty()) {
    throw ImportError(place.name,
                      fmt::format("{} is declared as external data, but has no location", what));
  }
  return location;
}

bool is_inside(const fs::path& file, const fs::path& folder) {
  const auto [end, unused] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return end == folder.end();
}

/// The file after resolving links, checked to be inside the model's folder.
fs::path resolve(const std::string& location, const std::string& what, const ModelPlace& place) {
  if (!place.folder) {
    throw ImportError(
        place.name,
        fmt::format("{} is in '{}', but a model in memory has no folder; import it from its file",
                    what,
                    location));
  }
  const fs::path relative(location);
  const bool climbs = std::find(relative.begin(), relative.end(), "..") != relative.end();
  const auto outside = [&] {
    return ImportError(place.name,
                       fmt::format("external data of {} is '{}', outside of the model's folder; "
                                   "put the file next to the model",
                                   what,
                                   location));
  };
  const auto link_outside = [&] {
    return ImportError(
        place.name,
        fmt::format("external data of {} is '{}', a link to a file outside of the model's folder; "
                    "put the file itself next to the model, or make the model a link, too",
                    what,
                    location));
  };
  if (relative.is_absolute() || climbs || location.find('\0') != std::string::npos) throw outside();
  std::error_code code;
  const fs::path folder = fs::canonical(place.folder->empty() ? "." : *place.folder, code);
  fs::path file = code ? fs::path() : fs::canonical(folder / relative, code);
  if (code && place.linked_folder) file = fs::canonical(*place.linked_folder / relative, code);
  if (code) {
    throw ImportError(
        place.name,
        fmt::format("external data of {}, '{}', cannot be read: {}; it must be next to the model",
                    what,
                    location,
                    code.message()));
  }
  if (!is_inside(file, folder) && !place.linked_folder) throw link_outside();
  if (!fs::is_regular_file(file, code)) {
    throw ImportError(
        place.name,
        fmt::format("external data of {}, '{}', is not a regular file", what, location));
  }
  return file;
}

/// Tensors may read the same bytes, so that a small file could fill the memory.
void count(std::uint64_t size,
           std::size_t bytes,
           const fs::path& file,
           const std::string& what,
           const ModelPlace& place) {
  if (place.source == nullptr) return;
  SourceBytes& source = *place.source;
  source.data_files[file] = static_cast<std::int64_t>(size);
  source.read = saturated_sum(source.read, static_cast<std::int64_t>(bytes));
  const std::int64_t total = source.total();
  if (source.read <= allowed_bytes(total)) return;
  throw ImportError(
      place.name,
      fmt::format("external data up to {} {}",
                  what,
                  over_memory_limit(source.read,
                                    total,
                                    "save the model with tensors that do not repeat the same "
                                    "bytes of a file")));
}

}  // namespace

std::vector<std::byte> read_external_data(const onnx::TensorProto& proto,
                                          std::size_t expected_bytes,
                                          const std::string& what,
                                          const ModelPlace& place) {
  const Location location = read_location(proto, what, place);
  const fs::path file = resolve(location.path, what, place);
  if (place.data_files != nullptr) place.data_files->insert(file);
  if (location.length && *location.length != expected_bytes) {
    throw ImportError(
        place.name,
        fmt::format("external data of {} has {} bytes, but its type and shape require {}",
                    what,
                    *location.length,
                    expected_bytes));
  }
  const std::uint64_t size = fs::file_size(file);
  if (location.offset > size || expected_bytes > size - location.offset) {
    throw ImportError(place.name,
                      fmt::format("external data of {} is {} bytes from offset {}, but '{}' has "
                                  "only {}; the file is truncated",
                                  what,
                                  expected_bytes,
                                  location.offset,
                                  location.path,
                                  size));
  }
  count(size, expected_bytes, file, what, place);
  std::vector<std::byte> bytes(expected_bytes);
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(location.offset));
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!stream) {
    throw ImportError(
        place.name, fmt::format("external data of {}, '{}', cannot be read", what, location.path));
  }
  return bytes;
}

}  // namespace ompq::onnx_io
