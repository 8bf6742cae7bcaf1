#pragma once

#include <filesystem>

#include "ompq/data/named_arrays.h"

namespace ompq::data {

/// All arrays of `file`, stored or deflated.
/// @throws DataError naming the file and the array that cannot be read.
[[nodiscard]] NamedArrays read_npz(const std::filesystem::path& file);

/// Writes an uncompressed .npz file for numpy.load, atomically; equal arrays give equal bytes.
/// @throws FileError if the file cannot be written.
void write_npz(const std::filesystem::path& file, const NamedArrays& arrays);

}  // namespace ompq::data
