#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/options/options.h"

namespace ompq {

/// The options given for a command, unchecked; keys are names of its records.
struct GivenOptions {
  /// Strings of options and operands; more than one only if the option was repeated.
  std::map<std::string_view, std::vector<std::string>> texts;
  std::set<std::string_view> flags;
};

/// Operands, then options: every record of a command.
[[nodiscard]] std::vector<OptionRecord> all_records(const CommandRecord& command);

/// The command's values: the given ones, and defaults for the others.
/// @throws ConfigError for a value that the record does not accept, an option that is missing or
/// given too often, or options that exclude each other.
[[nodiscard]] OptionValues read_options(const CommandRecord& command, const GivenOptions& given);

}  // namespace ompq
