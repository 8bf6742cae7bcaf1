#pragma once

#include <cstdio>
#include <string_view>

namespace ompq::app {

/// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. Otherwise, the next file
/// that is opened would get its number, and messages would be written into that file.
void open_standard_streams();

/// Writes `text` and flushes. What cannot be written is lost: text on standard error never stops
/// the work.
void write_if_possible(std::FILE* stream, std::string_view text) noexcept;

/// Writes `text` on standard output and flushes. @throws FileError if not everything could be
/// written (a full disk, a closed descriptor).
void write_output(std::string_view text);

}  // namespace ompq::app
