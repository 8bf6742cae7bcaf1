#include "failure.h"

#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include <fmt/format.h>

#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/out_of_memory.h"
#include "standard_streams.h"

namespace ompq::app {
namespace {

/// Messages of ompq are safe to show already; others may have names of files in them.
std::string shown(const std::exception& error) {
  if (dynamic_cast<const Error*>(&error) != nullptr) return error.what();
  return display_message(lines_of(error.what()));
}

std::string message_of(const std::exception& error, ExitCode code) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return out_of_memory().what();
  if (code != ExitCode::OwnFault) return shown(error);
  return fmt::format(
      "{}\nompq: this is a bug in ompq; please report it with the command and what 'ompq --version "
      "--verbose' prints",
      shown(error));
}

}  // namespace

int report_failure(const std::exception& error) noexcept {
  const ExitCode code = exit_code_for(error);
  try {
    write_if_possible(stderr, fmt::format("ompq: {}\n", message_of(error, code)));
  } catch (const std::exception&) {  // no memory for the message
    write_if_possible(stderr,
                      "ompq: [memory] there is not enough memory; use a smaller --batch, or raise "
                      "the limit (ulimit -v) if there is one\n");
  }
  return static_cast<int>(code);
}

int report_uncaught(void (*rethrow)()) noexcept {
  if (std::current_exception() == nullptr) {  // `throw;` would call the terminate handler again
    write_if_possible(stderr,
                      "ompq: an error could not be reported; this is a bug in ompq; please report "
                      "it with the command and what 'ompq --version --verbose' prints\n");
    return static_cast<int>(ExitCode::OwnFault);
  }
  try {
    rethrow();
  } catch (const std::exception& error) {
    return report_failure(error);
  } catch (...) {
    write_if_possible(stderr, "ompq: an unknown exception; this is a bug in ompq\n");
  }
  return static_cast<int>(ExitCode::OwnFault);
}

}  // namespace ompq::app
