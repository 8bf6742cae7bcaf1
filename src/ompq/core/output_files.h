#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace ompq {

/// A file as the user knows it.
struct NamedFile {
  std::string name;  ///< "--output", "MODEL", or what is derived: "the journal of --output"
  std::filesystem::path path;
};

/// Refuses files to write before any work is done for them: one that is also read (the same file
/// through links, too), two that are one file, and what is no plain file (a folder, a device, a
/// pipe), which an atomic write would replace. Touches nothing.
/// @throws ConfigError for these; FileError where the folder is missing, is none, or cannot be
/// written into.
void check_output_files(std::span<const NamedFile> written, std::span<const NamedFile> read);

}  // namespace ompq
