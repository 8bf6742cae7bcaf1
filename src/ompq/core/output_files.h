#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace ompq {

/// A file and the name by which the user knows it.
struct NamedFile {
  std::string name;  ///< "--output", "MODEL", or derived from one: "the journal of --output"
  std::filesystem::path path;
  bool is_folder = false;  ///< a folder for outputs, which may exist
};

/// Checks output files before any work starts. Refused are an output that is also an input (also
/// through links), two outputs that are the same file, and an output that is not a regular file (a
/// folder, a device, a pipe), which an atomic write would replace, or, for a folder, that is
/// something else. Writes nothing.
/// @throws ConfigError for these; FileError if the folder is missing, is not a folder, or is not
/// writable, or if an existing file is not writable.
void check_output_files(std::span<const NamedFile> written, std::span<const NamedFile> read);

}  // namespace ompq
