#pragma once

#include <exception>

namespace ompq::app {

/// Prints "ompq: MESSAGE" on standard error, if possible. @return the exit status for `error`.
int report_failure(const std::exception& error) noexcept;

/// Reports the exception that ends the program: for a terminate handler. An exception that leaves a
/// parallel loop, a thread or a static initializer is not caught anywhere.
/// @param rethrow  throws the current exception, perhaps converted.
/// @return the exit status.
int report_uncaught(void (*rethrow)()) noexcept;

}  // namespace ompq::app
