#include "ompq/options.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "ompq/api/call.h"
#include "ompq/commands/commands.h"
#include "ompq/core/nearest_name.h"
#include "ompq/errors.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"

namespace ompq {
namespace {

/// --json, --quiet, --verbose, --help.
bool is_about_the_terminal(const OptionRecord& record) {
  return record.group == "Common" && record.type == OptionType::Flag;
}

bool takes_samples(const OptionRecord& record) { return record.value_name == "SRC"; }

/// "avg_bits", as spelled in C++, means "avg-bits".
std::string remedy(std::string_view name,
                   const std::vector<std::string>& known,
                   std::string_view otherwise) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  std::string dashed(name);
  std::ranges::replace(dashed, '_', '-');
  const bool exact = std::ranges::find(names, dashed) != names.end();
  const std::string_view meant = exact ? dashed : meant_name(name, names);
  return meant.empty() ? std::string(otherwise) : fmt::format("did you mean '{}'?", meant);
}

const CommandRecord& command_of(std::string_view name) {
  const CommandRecord* command = find_command(name);
  if (command != nullptr && command->runs_networks) return *command;
  throw ConfigError("options",
                    fmt::format("'{}' is not a command that runs networks; {}",
                                name,
                                remedy(name, command_names(), "command_names() lists them")));
}

std::vector<OptionRecord> offered_records(const CommandRecord& command) {
  std::vector<OptionRecord> records = all_records(command);
  std::erase_if(records, is_about_the_terminal);
  return records;
}

OptionRecord record_of(std::string_view command, std::string_view name) {
  const CommandRecord& known = command_of(command);
  std::vector<std::string> names;
  for (const OptionRecord& record : all_records(known)) {
    if (record.name == name && is_about_the_terminal(record)) {
      throw ConfigError(command,
                        fmt::format("'{}' belongs to the command line; here results have JSON, and "
                                    "set_log_handler() receives the log",
                                    name));
    }
    if (record.name == name) return record;
    if (!is_about_the_terminal(record)) names.emplace_back(record.name);
  }
  throw ConfigError(
      command,
      fmt::format("'{}' is not an option of {}; {}",
                  name,
                  command,
                  remedy(name, names, fmt::format("options_of(\"{}\") lists them", command))));
}

/// The flag's state; nullopt for an option with a value, which is then checked.
std::optional<bool> checked(const OptionRecord& record, const OptionValue& value) {
  const bool is_flag = record.type == OptionType::Flag;
  if (is_flag && value.is_flag()) return value.on();
  if (is_flag) {
    throw ConfigError(display_name(record), fmt::format("'{}' is not true or false", value.text()));
  }
  if (value.is_flag()) {
    throw ConfigError(
        display_name(record),
        fmt::format("{} is not {}", value.on() ? "true" : "false", accepted_values(record)));
  }
  static_cast<void>(parse_option(record, value.text()));
  return std::nullopt;
}

}  // namespace

Options::Options(std::string_view command) : command_(command_of(command).name) {}

Options& Options::set(std::string_view name, const OptionValue& value) {
  const OptionRecord record = record_of(command_, name);
  const std::string key(record.name);
  if (const auto on = checked(record, value)) {
    flags_.erase(key);
    if (*on) flags_.insert(key);
    return *this;
  }
  arrays_.erase(key);
  texts_[key] = {value.text()};
  return *this;
}

Options& Options::add(std::string_view name, const OptionValue& value) {
  const OptionRecord record = record_of(command_, name);
  if (!may_repeat(record.type)) {
    throw ConfigError(display_name(record), "may not be repeated; use set()");
  }
  static_cast<void>(checked(record, value));
  texts_[std::string(record.name)].push_back(value.text());
  return *this;
}

Options& Options::set_samples(std::string_view name, Samples samples) {
  if (samples.arrays().empty()) return set(name, samples.source());
  const OptionRecord record = record_of(command_, name);
  if (!takes_samples(record)) {
    throw ConfigError(display_name(record), "does not take samples");
  }
  texts_.erase(std::string(record.name));
  arrays_.insert_or_assign(std::string(record.name), std::move(samples));
  return *this;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandRecord& command : command_table()) {
    if (command.runs_networks) names.emplace_back(command.name);
  }
  return names;
}

std::vector<OptionInfo> options_of(std::string_view command) {
  std::vector<OptionInfo> infos;
  for (const OptionRecord& record : offered_records(command_of(command))) {
    OptionInfo info{.name = std::string(record.name),
                    .help = std::string(record.text),
                    .accepted = accepted_values(record),
                    .fallback = std::string(record.fallback),
                    .required = record.required,
                    .is_flag = record.type == OptionType::Flag,
                    .may_repeat = may_repeat(record.type),
                    .takes_samples = takes_samples(record)};
    for (const std::string_view choice : split_choices(record.choices)) {
      info.choices.emplace_back(choice);
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

std::string run(const Options& options) {
  return commands::run_as_json(options.command(), api::context_of(options));
}

}  // namespace ompq
