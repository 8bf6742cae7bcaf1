#include "ompq/data/npz.h"

#include "ompq/core/atomic_file.h"
#include "ompq/data/array_source.h"
#include "ompq/data/npy.h"
#include "ompq/data/zip.h"

namespace ompq::data {
namespace {
constexpr std::string_view kSuffix = ".npy";
}

NamedArrays read_npz(const std::filesystem::path& file) {
  const auto source = npz_source(file);
  NamedArrays arrays;
  for (const std::string& name : source->names()) arrays[name] = source->read(name);
  return arrays;
}

void write_npz(const std::filesystem::path& file, const NamedArrays& arrays) {
  std::vector<ZipEntry> entries;
  for (const auto& [name, tensor] : arrays) {
    entries.push_back({name + std::string(kSuffix), to_npy(tensor)});
  }
  write_file_atomically(file, std::string_view(zip_stored(entries)));
}

}  // namespace ompq::data
