#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ompq::testing {

/// What a finished program left.
struct ProgramResult {
  int status = 0;      ///< exit status; 128 + signal where a signal ended it
  std::string output;  ///< standard output
  std::string error;   ///< standard error
};

struct ProgramOptions {
  /// Bytes that a file may grow to: what a full disk looks like to the program. 0: no limit.
  std::int64_t file_limit = 0;
  std::filesystem::path directory;  ///< where it runs; empty: here
};

/// Runs `command` (its path first) to its end, standard input empty.
[[nodiscard]] ProgramResult run_program(const std::vector<std::string>& command,
                                        const ProgramOptions& options = {});

}  // namespace ompq::testing
