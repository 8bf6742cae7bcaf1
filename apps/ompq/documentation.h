#pragma once

#include <string>

#include "ompq/options/options.h"

namespace ompq::app {

// All descriptions of the command line, generated only from command_table().

/// Output of `ompq --help`.
[[nodiscard]] std::string program_help();
/// Output of `ompq COMMAND --help`.
[[nodiscard]] std::string command_help(const CommandRecord& command);
/// docs/cli.md.
[[nodiscard]] std::string markdown_text();
/// The manual page ompq(1), in roff.
[[nodiscard]] std::string man_page_text();
/// All records as JSON, which the Python module reads.
[[nodiscard]] std::string records_text();

}  // namespace ompq::app
