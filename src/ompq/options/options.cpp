#include "ompq/options/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/added_names.h"
#include "ompq/core/byte_count.h"
#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"

namespace ompq {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

[[noreturn]] void refuse(const OptionRecord& record, std::string_view text) {
  throw ConfigError(display_name(record),
                    fmt::format("'{}' is not {}", text, accepted_values(record)));
}

/// Also false for NaN.
bool in_range(const OptionRecord& record, double value) {
  return std::isfinite(value) && value >= record.lower && value <= record.upper;
}

template <typename T>
std::optional<T> read_whole(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

std::string read_choice(const OptionRecord& record, std::string_view text) {
  const auto choices = split_choices(record.choices);
  if (std::ranges::find(choices, text) == choices.end()) refuse(record, text);
  return std::string(text);
}

std::int64_t read_integer(const OptionRecord& record, std::string_view text) {
  const auto value = read_whole<std::int64_t>(text);
  if (!value || !in_range(record, static_cast<double>(*value))) refuse(record, text);
  return *value;
}

double read_number(const OptionRecord& record, std::string_view text) {
  const std::size_t slash = text.find('/');
  auto value = read_whole<double>(text.substr(0, slash));
  if (value && slash != std::string_view::npos) {
    const auto divisor = read_whole<double>(text.substr(slash + 1));
    if (!divisor || *divisor == 0) refuse(record, text);
    *value /= *divisor;
  }
  if (!value || !in_range(record, *value)) refuse(record, text);
  return *value;
}

std::int64_t read_bytes(const OptionRecord& record, std::string_view text) {
  std::int64_t bytes = 0;
  try {
    bytes = parse_byte_count(text);
  } catch (const ConfigError&) {
    refuse(record, text);
  }
  if (!in_range(record, static_cast<double>(bytes))) refuse(record, text);
  return bytes;
}

template <typename T, typename Reader>
std::vector<T> read_list(const OptionRecord& record, std::string_view text, Reader read) {
  std::vector<T> values;
  for (const std::string_view part : split(text, ',')) values.push_back(read(record, part));
  return values;
}

double read_count(const OptionRecord& record, std::string_view text) {
  double count = 0;
  try {
    count = parse_count(text);
  } catch (const ConfigError&) {
    refuse(record, text);
  }
  if (!in_range(record, count)) refuse(record, text);
  return count;
}

struct TimeUnit {
  std::string_view name;
  double microseconds;
};
constexpr std::array<TimeUnit, 4> kTimeUnits{{{"ns", 1e-3}, {"us", 1.0}, {"ms", 1e3}, {"s", 1e6}}};

/// Microseconds.
double read_duration(const OptionRecord& record, std::string_view text) {
  for (const TimeUnit& unit : kTimeUnits) {
    if (!text.ends_with(unit.name)) continue;
    std::string_view digits = text.substr(0, text.size() - unit.name.size());
    while (digits.ends_with(' ')) digits.remove_suffix(1);
    const auto value = read_whole<double>(digits);
    if (!value) continue;  // "3ms" ends with "s" as well
    const double microseconds = *value * unit.microseconds;
    if (!in_range(record, microseconds)) refuse(record, text);
    return microseconds;
  }
  refuse(record, text);
}

double read_ratio(const OptionRecord& record, std::string_view text) {
  const auto value =
      read_whole<double>(text.ends_with('x') ? text.substr(0, text.size() - 1) : text);
  if (!value || !in_range(record, *value)) refuse(record, text);
  return *value;
}

std::string read_glob(const OptionRecord& record, std::string_view text) {
  if (text.empty()) refuse(record, text);
  return std::string(text);
}

NamedShapes read_named_widths(const OptionRecord& record, std::string_view text) {
  const std::size_t equals = text.rfind('=');
  const bool for_all = equals == std::string_view::npos && record.type == OptionType::Widths;
  if (!for_all && (equals == std::string_view::npos || equals == 0)) refuse(record, text);
  const std::string_view list = for_all ? text : text.substr(equals + 1);
  std::vector<std::int64_t> widths;
  for (const std::string_view part : split(list, ',')) {
    const auto width = read_whole<std::int64_t>(part);
    if (!width || !in_range(record, static_cast<double>(*width))) refuse(record, part);
    widths.push_back(*width);
  }
  return {{for_all ? std::string() : std::string(text.substr(0, equals)), std::move(widths)}};
}

NamedShapes read_named_shape(const OptionRecord& record, std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) refuse(record, text);
  std::vector<std::int64_t> extents;
  for (const std::string_view part : split(text.substr(equals + 1), ',')) {
    const auto extent = read_whole<std::int64_t>(part);
    if (!extent || *extent == 0 || *extent < -1) refuse(record, text);
    extents.push_back(*extent);
  }
  return {{std::string(text.substr(0, equals)), std::move(extents)}};
}

std::string with_range(std::string_view what, const OptionRecord& record) {
  const std::string range = value_range(record);
  if (range.empty()) return std::string(what);
  return fmt::format("{}{}{}", what, range.find("..") == range.npos ? ", " : " in ", range);
}

std::string join_display_names(const CommandRecord& command, std::string_view names) {
  std::vector<std::string> shown;
  for (const std::string_view name : split_choices(names)) {
    for (const OptionRecord& record : command.options) {
      if (record.name == name) shown.push_back(display_name(record));
    }
  }
  return fmt::format("{}", fmt::join(shown, ", "));
}

}  // namespace

std::vector<std::string_view> split_choices(std::string_view text) {
  if (text.empty()) return {};
  return split(text, '|');
}

std::vector<std::string_view> Choices::names() const {
  std::vector<std::string_view> names = split_choices(names_);
  const std::vector<std::string_view> added = added_names(kind_);
  names.insert(names.end(), added.begin(), added.end());
  return names;
}

std::string display_name(const OptionRecord& record) {
  const bool operand = !record.name.empty() && record.name == record.value_name;
  return operand ? std::string(record.name) : fmt::format("--{}", record.name);
}

std::string function_name(const CommandRecord& command) {
  std::string name(command.function.empty() ? command.name : command.function);
  std::ranges::replace(name, '-', '_');
  return name;
}

namespace {

bool is_numeric(OptionType type) {
  switch (type) {
    case OptionType::Integer:
    case OptionType::Number:
    case OptionType::Integers:
    case OptionType::Numbers:
    case OptionType::ByteCount:
    case OptionType::ByteCounts:
    case OptionType::Count:
    case OptionType::Duration:
    case OptionType::Ratio:
    case OptionType::NamedWidths:
    case OptionType::Widths:
      return true;
    default:
      return false;
  }
}

/// An end of a range, as written on the command line.
std::string end_text(const OptionRecord& record, double value) {
  if (record.type != OptionType::Duration || value == 0) return fmt::format("{}", value);
  const TimeUnit* best = &kTimeUnits.front();
  for (const TimeUnit& unit : kTimeUnits) {
    if (value >= unit.microseconds) best = &unit;
  }
  return fmt::format("{}{}", value / best->microseconds, best->name);
}

}  // namespace

std::string value_range(const OptionRecord& record) {
  const bool bytes = record.type == OptionType::ByteCount || record.type == OptionType::ByteCounts;
  if (!is_numeric(record.type)) return "";
  if (bytes && record.lower <= 1 && record.upper >= kUnbounded) return "";
  if (record.upper < kUnbounded) {
    return fmt::format("{}..{}", end_text(record, record.lower), end_text(record, record.upper));
  }
  if (record.lower > 0 && record.lower <= kAboveZero) return "more than 0";
  if (record.lower > -kUnbounded) return fmt::format("{} or more", end_text(record, record.lower));
  return "";
}

std::string default_text(const OptionRecord& record) {
  std::vector<std::string> parts;
  if (!record.fallback.empty()) parts.emplace_back(record.fallback);
  for (const auto& [option, value, fallback] : record.conditional_fallbacks) {
    const bool flag = value == "yes" || value == "no";
    parts.push_back(fmt::format("{} {} --{}{}{}",
                                fallback,
                                value == "no" ? "without" : "with",
                                option,
                                flag ? "" : " ",
                                flag ? "" : value));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string accepted_values(const OptionRecord& record) {
  switch (record.type) {
    case OptionType::Flag:
      return "a flag, which takes no value";
    case OptionType::Text:
    case OptionType::Path:
    case OptionType::Paths:
      return "a text of one character or more";
    case OptionType::Choice:
      return fmt::format("one of {}", fmt::join(split_choices(record.choices), ", "));
    case OptionType::Choices:
      return fmt::format("a list such as {0},{1} of {2}",
                         split_choices(record.choices).front(),
                         split_choices(record.choices).back(),
                         fmt::join(split_choices(record.choices), ", "));
    case OptionType::Integer:
      return with_range("a whole number", record);
    case OptionType::Number:
      return with_range("a number", record);
    case OptionType::Integers:
      return with_range("a list such as 2,3,4 of whole numbers", record);
    case OptionType::Numbers:
      return with_range("a list such as 0.5,0.25 of numbers", record);
    case OptionType::ByteCount:
      return with_range("a size such as 6.7MB, 6.7MiB or 800kB", record);
    case OptionType::ByteCounts:
      return with_range("a list such as 800kB,1.5MiB of sizes", record);
    case OptionType::Count:
      return with_range("a number such as 75G or 1.5T", record);
    case OptionType::Duration:
      return with_range("a time such as 3.5ms or 800us", record);
    case OptionType::Ratio:
      return with_range("a ratio such as 10x", record);
    case OptionType::Globs:
      return "a name or a pattern such as conv*, or a list of them";
    case OptionType::Widths:
      return with_range("a list such as 2,3,4 for all layers or conv1=4,8 for one of widths",
                        record);
    case OptionType::NamedWidths:
      return with_range("a layer and its widths such as conv1=4,8", record);
    case OptionType::NamedShape:
      return "a shape such as input=1,3,224,224 (-1 leaves an extent open)";
  }
  throw InternalError("options", "unknown option type");
}

OptionValues::Value parse_option(const OptionRecord& record, std::string_view text) {
  switch (record.type) {
    case OptionType::Flag:
      return true;
    case OptionType::Text:
    case OptionType::Path:
      if (text.empty()) refuse(record, text);
      return std::string(text);
    case OptionType::Paths:
      if (text.empty()) refuse(record, text);
      return std::vector<std::string>{std::string(text)};
    case OptionType::Choice:
      return read_choice(record, text);
    case OptionType::Choices:
      return read_list<std::string>(record, text, read_choice);
    case OptionType::Integer:
      return read_integer(record, text);
    case OptionType::Number:
      return read_number(record, text);
    case OptionType::Integers:
      return read_list<std::int64_t>(record, text, read_integer);
    case OptionType::Numbers:
      return read_list<double>(record, text, read_number);
    case OptionType::ByteCount:
      return read_bytes(record, text);
    case OptionType::ByteCounts:
      return read_list<std::int64_t>(record, text, read_bytes);
    case OptionType::Count:
      return read_count(record, text);
    case OptionType::Duration:
      return read_duration(record, text);
    case OptionType::Ratio:
      return read_ratio(record, text);
    case OptionType::Globs:
      return read_list<std::string>(record, text, read_glob);
    case OptionType::NamedWidths:
    case OptionType::Widths:
      return read_named_widths(record, text);
    case OptionType::NamedShape:
      return read_named_shape(record, text);
  }
  throw InternalError("options", "unknown option type");
}

OptionValues OptionValues::defaults(std::span<const OptionRecord> records) {
  OptionValues values;
  for (const OptionRecord& record : records) {
    Entry entry;
    if (record.type == OptionType::Flag) {
      entry.value = false;
    } else if (record.type == OptionType::NamedShape || record.type == OptionType::NamedWidths) {
      entry.value = NamedShapes{};
    } else if (!record.fallback.empty()) {
      entry.value = parse_option(record, record.fallback);
    }
    values.entries_.insert_or_assign(std::string(record.name), std::move(entry));
  }
  values.apply_conditional_fallbacks(records);
  return values;
}

void OptionValues::apply_conditional_fallbacks(std::span<const OptionRecord> records) {
  const auto holds = [&](const ConditionalFallback& condition) {
    const Value& value = entry(condition.option).value;
    if (const bool* flag = std::get_if<bool>(&value)) return *flag == (condition.value == "yes");
    const auto* text = std::get_if<std::string>(&value);
    return text != nullptr && *text == condition.value;
  };
  for (const OptionRecord& record : records) {
    const auto found = std::ranges::find_if(record.conditional_fallbacks, holds);
    if (found == record.conditional_fallbacks.end() || given(record.name)) continue;
    entries_.find(record.name)->second.value = parse_option(record, found->fallback);
  }
}

const OptionValues::Entry& OptionValues::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw InternalError("options", fmt::format("the command has no option '{}'", name));
  }
  return found->second;
}

template <typename T>
const T& OptionValues::get(std::string_view name) const {
  const T* value = std::get_if<T>(&entry(name).value);
  if (value == nullptr) {
    throw InternalError("options",
                        fmt::format("option '{}' has no value of the requested type", name));
  }
  return *value;
}

bool OptionValues::given(std::string_view name) const { return entry(name).given; }
bool OptionValues::has(std::string_view name) const {
  return !std::holds_alternative<std::monostate>(entry(name).value);
}

bool OptionValues::flag(std::string_view name) const { return get<bool>(name); }
const std::string& OptionValues::text(std::string_view name) const {
  return get<std::string>(name);
}
std::int64_t OptionValues::integer(std::string_view name) const { return get<std::int64_t>(name); }
double OptionValues::number(std::string_view name) const { return get<double>(name); }
const std::vector<std::int64_t>& OptionValues::integers(std::string_view name) const {
  return get<std::vector<std::int64_t>>(name);
}
const std::vector<double>& OptionValues::numbers(std::string_view name) const {
  return get<std::vector<double>>(name);
}
const std::vector<std::string>& OptionValues::texts(std::string_view name) const {
  return get<std::vector<std::string>>(name);
}
const NamedShapes& OptionValues::shapes(std::string_view name) const {
  return get<NamedShapes>(name);
}

std::vector<std::string> OptionValues::globs(std::string_view name) const {
  return has(name) ? texts(name) : std::vector<std::string>{};
}

std::optional<std::string> OptionValues::maybe_text(std::string_view name) const {
  return has(name) ? std::optional(text(name)) : std::nullopt;
}
std::optional<std::int64_t> OptionValues::maybe_integer(std::string_view name) const {
  return has(name) ? std::optional(integer(name)) : std::nullopt;
}
std::optional<double> OptionValues::maybe_number(std::string_view name) const {
  return has(name) ? std::optional(number(name)) : std::nullopt;
}

void OptionValues::set(std::string_view name, Value value) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw InternalError("options", fmt::format("the command has no option '{}'", name));
  }
  Entry& entry = found->second;
  if (auto* shapes = std::get_if<NamedShapes>(&value)) {
    if (const auto* present = std::get_if<NamedShapes>(&entry.value))
      shapes->insert(present->begin(), present->end());
  }
  entry.value = std::move(value);
  entry.given = true;
}

void check_rules(const CommandRecord& command, const OptionValues& values) {
  const auto require = [&](const OptionRecord& record) {
    if (!record.required || values.given(record.name)) return;
    throw ConfigError(command.name,
                      fmt::format("{} is missing ({}); see 'ompq {} --help'",
                                  display_name(record),
                                  record.text,
                                  command.name));
  };
  for (const OptionRecord& record : command.operands) require(record);
  for (const OptionRecord& record : command.options) require(record);
  for (const OptionRule& rule : command.rules) {
    const auto names = split_choices(rule.names);
    const auto given = [&](std::string_view name) { return values.given(name); };
    if (rule.kind == OptionRule::Kind::AtLeastOne && std::ranges::none_of(names, given)) {
      throw ConfigError(
          command.name,
          fmt::format(
              "give at least one of {}: {}", join_display_names(command, rule.names), rule.reason));
    }
    if (rule.kind == OptionRule::Kind::AtMostOne && given(names.front())) {
      for (const std::string_view other : std::span(names).subspan(1)) {
        if (!given(other)) continue;
        throw ConfigError(
            command.name,
            fmt::format("--{} and --{} exclude each other: {}", names.front(), other, rule.reason));
      }
    }
  }
}

}  // namespace ompq
