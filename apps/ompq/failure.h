#pragma once

#include <exception>

namespace ompq::app {

/// Prints "ompq: MESSAGE" on standard error. @return the exit status that stands for `error`.
int report_failure(const std::exception& error);

/// Flushes standard output. @throws FileError where it could not take everything (a full disk).
void flush_output();

}  // namespace ompq::app
