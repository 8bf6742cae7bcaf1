#include "ompq/data/npz.h"

#include "ompq/core/atomic_file.h"
#include "ompq/data/npy.h"
#include "ompq/data/zip.h"

namespace ompq::data {
namespace {
constexpr std::string_view kSuffix = ".npy";
}

NamedArrays read_npz(const std::filesystem::path& file) {
  ZipReader archive(file);
  NamedArrays arrays;
  for (const ZipReader::Member& member : archive.members()) {
    if (!std::string_view(member.name).ends_with(kSuffix)) continue;
    const std::string name = member.name.substr(0, member.name.size() - kSuffix.size());
    arrays[name] = parse_npy(archive.read(member), file.string() + ", array " + name);
  }
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
