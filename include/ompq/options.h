#pragma once

#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/api.h"
#include "ompq/option_value.h"
#include "ompq/progress.h"
#include "ompq/samples.h"

namespace ompq {

/// The options of one command, by their names on the command line without "--". Names and values
/// are checked when they are set. Options that are not set have the command line's defaults.
///
/// Each command has a derived type with members for the options that nearly every call sets.
class OMPQ_API Options {
 public:
  /// @param command  "quantize", "eval", ...: a name of command_names().
  /// @throws ConfigError if the command is unknown.
  explicit Options(std::string_view command);

  /// Sets an option or operand, replacing an earlier value.
  /// @throws ConfigError for a name that the command does not have, naming the nearest one, and for
  /// a value that the option does not accept.
  Options& set(std::string_view name, const OptionValue& value);
  /// Adds a value to an option that may be repeated, such as "pin" or "exclude".
  /// @throws ConfigError as set() does, and for an option that may not be repeated.
  Options& add(std::string_view name, const OptionValue& value);
  /// Samples for an option that names some: "data", "eval-data".
  Options& set_samples(std::string_view name, Samples samples);

  ProgressHandler progress;  ///< may be empty
  /// Once a stop is requested, the work ends with Interrupted the next time that it would call
  /// `progress`.
  std::stop_token stop;

  [[nodiscard]] const std::string& command() const { return command_; }
  /// The values that were set, as strings by option name; flags are in flags(), arrays in arrays().
  [[nodiscard]] const std::map<std::string, std::vector<std::string>, std::less<>>& texts() const {
    return texts_;
  }
  [[nodiscard]] const std::set<std::string, std::less<>>& flags() const { return flags_; }
  [[nodiscard]] const std::map<std::string, Samples, std::less<>>& arrays() const {
    return arrays_;
  }

 private:
  std::string command_;
  std::map<std::string, std::vector<std::string>, std::less<>> texts_;
  std::set<std::string, std::less<>> flags_;
  std::map<std::string, Samples, std::less<>> arrays_;
};

/// An option or operand of a command, as the command line's help describes it.
struct OptionInfo {
  std::string name;      ///< "avg-bits"
  std::string help;      ///< what it does
  std::string accepted;  ///< "a number in 1..8"
  std::string fallback;  ///< the default as one would type it, or ""
  std::vector<std::string> choices;
  bool required = false;
  bool is_flag = false;
  bool may_repeat = false;
  bool takes_samples = false;
};

/// The commands that have options here, in the order of the help: those that run networks.
[[nodiscard]] OMPQ_API std::vector<std::string> command_names();
/// Operands, then options. @throws ConfigError if the command is unknown.
[[nodiscard]] OMPQ_API std::vector<OptionInfo> options_of(std::string_view command);

/// Runs any command, whose operands ("MODEL") were set as well. The functions with typed results
/// are in the other headers.
/// @return what the command line prints with --json.
/// @throws children of Error.
[[nodiscard]] OMPQ_API std::string run(const Options& options);

}  // namespace ompq
