#pragma once

#include <string>

#include "ompq/options/options.h"

namespace ompq::app {

// Everything that describes the command line to people, made of command_table() alone.

/// What `ompq --help` prints.
[[nodiscard]] std::string program_help();
/// What `ompq COMMAND --help` prints.
[[nodiscard]] std::string command_help(const CommandRecord& command);
/// docs/cli.md.
[[nodiscard]] std::string markdown_text();
/// The manual page ompq(1), in roff.
[[nodiscard]] std::string man_page_text();

}  // namespace ompq::app
