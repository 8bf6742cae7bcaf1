#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/data/named_arrays.h"

namespace ompq::data {

/// Named arrays, read on request: an array that is not needed may be text, a Python object, or
/// damaged. Thread-compatible.
class ArraySource {
 public:
  virtual ~ArraySource() = default;
  /// Sorted.
  [[nodiscard]] virtual const std::vector<std::string>& names() const = 0;
  /// The numbers of the array `name`, one of names().
  /// @throws DataError naming the array if it has no numbers or is damaged.
  [[nodiscard]] virtual Tensor read(const std::string& name) = 0;
  /// The elements of an array of text. @throws DataError for any other.
  [[nodiscard]] virtual std::vector<std::string> read_text(const std::string& name) = 0;
};

/// The members of an .npz file, stored or deflated. @throws DataError if it is not a zip archive.
[[nodiscard]] std::unique_ptr<ArraySource> npz_source(const std::filesystem::path& file);
/// .npy files, each under its own name.
[[nodiscard]] std::unique_ptr<ArraySource> npy_source(
    std::map<std::string, std::filesystem::path> files);
/// Arrays in memory; the source shares their bytes.
[[nodiscard]] std::unique_ptr<ArraySource> memory_source(const NamedArrays& arrays,
                                                         const std::string& name);

}  // namespace ompq::data
