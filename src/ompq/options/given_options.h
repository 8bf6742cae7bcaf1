#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/options/options.h"

namespace ompq {

/// What was given for a command, before anything is judged; keys are names of its records.
struct GivenOptions {
  /// Texts of options and operands; more than one only where the option was repeated.
  std::map<std::string_view, std::vector<std::string>> texts;
  std::set<std::string_view> flags;
};

/// Operands, then options: every record of a command.
[[nodiscard]] std::vector<OptionRecord> all_records(const CommandRecord& command);

/// The command's values: what was given, and the defaults of the rest.
/// @throws ConfigError for a value that its record does not accept, an option that is given too
/// often or missing, or options that exclude each other.
[[nodiscard]] OptionValues read_options(const CommandRecord& command, const GivenOptions& given);

}  // namespace ompq
