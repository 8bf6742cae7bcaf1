#pragma once

#include <string>

namespace ompq {

struct FinishedCommand {
  int status = 0;      ///< as waitpid() gives it
  std::string output;  ///< the last 64 KiB or more of standard output
};

/// Runs a line of a shell and waits for it. Its standard input is empty, its standard error that of
/// this program. An interrupt of this program ends it and what it started: SIGTERM, and SIGKILL a
/// second later.
/// @throws FileError if it cannot be started; Interrupted.
[[nodiscard]] FinishedCommand run_shell_command(const std::string& line);

}  // namespace ompq
