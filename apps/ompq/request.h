#pragma once

#include <string>

#include "ompq/options/options.h"

namespace ompq {

/// What the command line asks the engine to do; the only data passed between the two.
struct CommandRequest {
  std::string command;  ///< a name of command_table()
  OptionValues values;  ///< operands ("MODEL") and options ("avg-bits"), checked against the table
  std::string line{};   ///< as it was typed, for a POSIX shell: "ompq search 'my net.onnx' ..."
};

}  // namespace ompq

// The engine's C interface. It is loaded only when a command needs it, since loading LibTorch takes
// longer than --help should take.
extern "C" {
/// Runs the command. Prints results on standard output, progress, warnings and errors on standard
/// error. Never throws. @return the exit status (ompq::ExitCode).
[[gnu::visibility("default")]] int ompq_engine_run(const ompq::CommandRequest* request);
/// Asks the running command to stop at its next unit of work; safe in a signal handler.
[[gnu::visibility("default")]] void ompq_engine_interrupt();
/// Removes files that must not remain if the program ends now; safe in a signal handler.
[[gnu::visibility("default")]] void ompq_engine_remove_files();
/// One "name version" line for each library in use.
[[gnu::visibility("default")]] const char* ompq_engine_versions();
}
