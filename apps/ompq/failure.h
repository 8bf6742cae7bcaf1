#pragma once

#include <exception>

namespace ompq::app {

/// Prints "ompq: MESSAGE" on standard error. @return the exit status for `error`.
int report_failure(const std::exception& error);

/// Flushes standard output. @throws FileError if not everything could be written (a full disk).
void flush_output();

}  // namespace ompq::app
