#include "ompq/data/named_arrays.h"

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"

namespace ompq::data {
namespace {
constexpr std::size_t kDigits =
    12;  // of the digest: enough that no two sets of a project share them by chance
}

std::string arrays_text(const NamedArrays& arrays) {
  std::string text;
  std::string digests;
  for (const auto& [name, tensor] : arrays) {
    text += fmt::format("{}{} {} {}",
                        text.empty() ? "" : ", ",
                        name,
                        name_of(tensor.type()),
                        shape_text(tensor.shape()));
    const auto bytes = tensor.bytes();
    digests += sha256({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  return fmt::format("{} (sha256 {})", text, sha256(text + digests).substr(0, kDigits));
}

}  // namespace ompq::data
