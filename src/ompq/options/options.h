#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ompq/options/choices.h"

namespace ompq {

/// The type of an option's value.
enum class OptionType : std::uint8_t {
  Flag,         ///< no value; given or not
  Text,         ///< any text
  Path,         ///< a file or folder; its existence is not checked here
  Paths,        ///< as Path; may be repeated; as an operand it takes all remaining ones
  Choice,       ///< one of `choices`
  Choices,      ///< some of `choices`, "a,b"
  Integer,      ///< whole number in lower..upper
  Number,       ///< "0.5", "1e-3" or a fraction such as "1/255", in lower..upper
  Integers,     ///< "2,3,4", each in lower..upper
  Numbers,      ///< "0.485,0.456,0.406", each in lower..upper
  ByteCount,    ///< "6.7MB", "800 KiB"; whole bytes in lower..upper
  ByteCounts,   ///< "800kB,1MB", each as ByteCount
  Count,        ///< "75G", "1.5T"; a number with a decimal unit or none, in lower..upper
  Duration,     ///< "3.5ms", "800us", "1s"; read as microseconds, in lower..upper
  Ratio,        ///< "10x" or "10", in lower..upper
  Globs,        ///< "conv*,fc"; may be repeated
  NamedShape,   ///< "input=1,3,224,224"; may be repeated; -1 leaves an extent open
  NamedWidths,  ///< "conv1=4,8"; may be repeated; each in lower..upper
  Widths,       ///< "2,3,4" for all (name ""), or as NamedWidths for some; may be repeated
};

/// True for a type whose option may be repeated.
[[nodiscard]] constexpr bool may_repeat(OptionType type) {
  return type == OptionType::NamedShape || type == OptionType::NamedWidths ||
         type == OptionType::Widths || type == OptionType::Globs || type == OptionType::Paths;
}

/// The end of an unbounded range; integers up to it are exact.
inline constexpr double kUnbounded = 0x1p53;

/// The start of a range that excludes 0.
inline constexpr double kAboveZero = 0x1p-100;

/// A default that depends on another option, which is a Flag or has a default itself.
struct ConditionalFallback {
  std::string_view option{};    ///< the name of the other option
  std::string_view value{};     ///< its required value; for a flag "yes" or "no"
  std::string_view fallback{};  ///< as OptionRecord::fallback
};

/// One option or operand of a command. This record is the only place that describes it: parsing,
/// range check, help, man page, completion and docs/cli.md are all read from it.
struct OptionRecord {
  std::string_view name{};  ///< "avg-bits" for --avg-bits; the key in OptionValues
  char short_name = '\0';   ///< 'o' for -o
  OptionType type = OptionType::Flag;
  std::string_view value_name{};  ///< "BITS"; empty for a flag
  std::string_view fallback{};    ///< the default as written on the command line; empty: none
  double lower = 0;               ///< minimum of a numeric type
  double upper = kUnbounded;      ///< maximum of a numeric type
  Choices choices{};              ///< "ilp|lp|projection" for Choice and Choices
  bool required = false;
  std::string_view group{};  ///< heading in the help
  std::string_view text{};   ///< what it does, a sentence without the final stop
  bool writes = false;       ///< a Path that the command writes, rather than reads
  bool is_folder = false;    ///< of `writes`: a folder, which may exist
  /// Instead of `fallback`: the first whose condition is met, see apply_conditional_fallbacks().
  std::span<const ConditionalFallback> conditional_fallbacks{};
};

/// A rule between the options of a command.
struct OptionRule {
  enum class Kind : std::uint8_t {
    AtLeastOne,  ///< of `names`
    AtMostOne,   ///< first of `names` excludes each of the others
  };
  Kind kind;
  std::string_view names{};  ///< "size|avg-bits"
  std::string_view reason{};
};

/// A command of the program.
struct CommandRecord {
  std::string_view name{};
  std::string_view summary{};                ///< one line
  std::string_view description{};            ///< paragraphs
  std::span<const OptionRecord> operands{};  ///< in order; named by value_name
  std::vector<OptionRecord> options{};       ///< in the order of the help
  std::span<const OptionRule> rules{};
  std::span<const std::string_view> examples{};  ///< command lines
  bool runs_networks = true;                     ///< false: runs without the engine
  std::string_view
      function{};  ///< in C++ and Python, if `name` is not an identifier; see function_name()
};

/// Integers by name: extents of inputs, or widths of layers.
using NamedShapes = std::map<std::string, std::vector<std::int64_t>>;

/// The values of one command's options, checked and typed, by option name. Reading an option that
/// the command does not have, or with another type, is a programming error: InternalError.
class OptionValues {
 public:
  using Value = std::variant<std::monostate,
                             bool,
                             std::string,
                             std::int64_t,
                             double,
                             std::vector<std::int64_t>,
                             std::vector<double>,
                             std::vector<std::string>,
                             NamedShapes>;

  /// The default of every record, including those that depend on other options.
  static OptionValues defaults(std::span<const OptionRecord> records);

  /// True if the command has such an option.
  [[nodiscard]] bool knows(std::string_view name) const { return entries_.contains(name); }
  /// True if the user gave it, as opposed to a default.
  [[nodiscard]] bool given(std::string_view name) const;
  /// True if there is a value, given or default.
  [[nodiscard]] bool has(std::string_view name) const;

  // The value of an option that is required or has a default; otherwise check has() first. @throws
  // InternalError if there is no value.
  [[nodiscard]] bool flag(std::string_view name) const;                ///< Flag
  [[nodiscard]] const std::string& text(std::string_view name) const;  ///< Text, Path, Choice
  [[nodiscard]] std::int64_t integer(std::string_view name) const;     ///< Integer, ByteCount
  /// Number, Count, Ratio; Duration in microseconds.
  [[nodiscard]] double number(std::string_view name) const;
  /// Integers, ByteCounts.
  [[nodiscard]] const std::vector<std::int64_t>& integers(std::string_view name) const;
  [[nodiscard]] const std::vector<double>& numbers(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& texts(
      std::string_view name) const;  ///< Choices, Paths
  /// Globs, in the order in which they were given; none without a default.
  [[nodiscard]] std::vector<std::string> globs(std::string_view name) const;
  /// NamedShape, NamedWidths, Widths.
  [[nodiscard]] const NamedShapes& shapes(std::string_view name) const;

  // The value, or nullopt.
  [[nodiscard]] std::optional<std::string> maybe_text(std::string_view name) const;
  [[nodiscard]] std::optional<std::int64_t> maybe_integer(std::string_view name) const;
  [[nodiscard]] std::optional<double> maybe_number(std::string_view name) const;

  /// Sets the user's value; NamedShapes are added to the present ones, and a later value replaces
  /// an earlier one of the same name.
  void set(std::string_view name, Value value);
  /// Sets the value of the same option in another command's values, which has one.
  void take(const OptionValues& from, std::string_view name) { set(name, from.entry(name).value); }
  /// Sets the defaults that depend on other options, once these have their values. The user's
  /// values are unchanged.
  void apply_conditional_fallbacks(std::span<const OptionRecord> records);

 private:
  struct Entry {
    Value value;
    bool given = false;
  };
  [[nodiscard]] const Entry& entry(std::string_view name) const;
  template <typename T>
  [[nodiscard]] const T& get(std::string_view name) const;

  std::map<std::string, Entry, std::less<>> entries_;
};

/// Reads `text` as a value of `record`.
/// @throws ConfigError naming the option, the text, and what is accepted.
[[nodiscard]] OptionValues::Value parse_option(const OptionRecord& record, std::string_view text);

/// Checks `values` against `record.required` of options and operands and the command's rules.
/// @throws ConfigError naming missing options or those that exclude each other.
void check_rules(const CommandRecord& command, const OptionValues& values);

/// "--avg-bits" for an option, "MODEL" for an operand.
[[nodiscard]] std::string display_name(const OptionRecord& record);
/// "latency_table": the function of ompq::commands, and of the Python module, that does the work.
[[nodiscard]] std::string function_name(const CommandRecord& command);
/// "1..8", "2 or more"; "" without a range.
[[nodiscard]] std::string value_range(const OptionRecord& record);
/// "64", "0.0005 with --optimizer sgd, 0.00001 with --optimizer adamw"; "" if there is none.
[[nodiscard]] std::string default_text(const OptionRecord& record);
/// "a whole number, 1..8", "one of ilp, lp, projection": the accepted values, for messages.
[[nodiscard]] std::string accepted_values(const OptionRecord& record);
/// "a|b|c" -> {"a", "b", "c"}; empty text -> {}.
[[nodiscard]] std::vector<std::string_view> split_choices(std::string_view text);

}  // namespace ompq
