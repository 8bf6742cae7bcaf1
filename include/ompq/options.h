#pragma once

#include <charconv>
#include <concepts>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <ranges>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ompq/errors.h"
#include "ompq/progress.h"
#include "ompq/samples.h"

namespace ompq {

/// A value of an option: a flag, a number, a text, a path, or a list of numbers or texts. It is
/// parsed as on the command line, so "1.5MiB" and 1572864 are the same size.
class OptionValue {
 public:
  template <std::same_as<bool> Flag>
  OptionValue(Flag on) : is_flag_(true), on_(on) {}
  OptionValue(const char* text) : text_(text) {}
  OptionValue(std::string text) : text_(std::move(text)) {}
  OptionValue(std::string_view text) : text_(text) {}
  OptionValue(const std::filesystem::path& path) : text_(path.string()) {}
  template <typename Number>
  requires(std::integral<Number> || std::floating_point<Number>) &&
      (!std::same_as<Number, bool>)OptionValue(Number number) : text_(spelled(number)) {}
  template <typename Item>
  OptionValue(std::initializer_list<Item> items) : text_(joined(items)) {}
  template <std::ranges::input_range Range>
  requires(!std::convertible_to<const Range&, std::string_view>) &&
      (!std::same_as<Range, std::filesystem::path>)OptionValue(const Range& items)
      : text_(joined(items)) {}

  [[nodiscard]] bool is_flag() const { return is_flag_; }
  [[nodiscard]] bool on() const { return on_; }
  /// As one would type it; "" for a flag.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  /// The shortest text that is read as the same number, in every locale.
  template <typename Number>
  static std::string spelled(Number number) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return {digits, end};
  }
  template <typename Range>
  static std::string joined(const Range& items) {
    std::string list;
    for (const auto& item : items) {
      if (!list.empty()) list += ',';
      list += OptionValue(item).text_;
    }
    return list;
  }

  bool is_flag_ = false;
  bool on_ = false;
  std::string text_;
};

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
