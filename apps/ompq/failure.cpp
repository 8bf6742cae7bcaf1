#include "failure.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include <fmt/format.h>

#include "ompq/core/display_text.h"
#include "ompq/core/error.h"

namespace ompq::app {
namespace {

/// Messages of ompq are safe to show already; others may have names of files in them.
std::string shown(const std::exception& error) {
  if (dynamic_cast<const Error*>(&error) != nullptr) return error.what();
  return display_message(lines_of(error.what()));
}

}  // namespace

int report_failure(const std::exception& error) {
  const ExitCode code = exit_code_for(error);
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    fmt::print(stderr, "ompq: [memory] not enough memory; try a smaller --batch\n");
    return static_cast<int>(code);
  }
  fmt::print(stderr, "ompq: {}\n", shown(error));
  if (code == ExitCode::OwnFault) {
    fmt::print(stderr,
               "ompq: this is a bug in ompq; please report it with the command and "
               "what 'ompq --version --verbose' prints\n");
  }
  return static_cast<int>(code);
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw FileError("standard output", fmt::format("cannot be written: {}", std::strerror(errno)));
  }
}

}  // namespace ompq::app
