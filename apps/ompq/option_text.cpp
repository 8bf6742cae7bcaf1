#include "option_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq::app {

std::vector<OptionGroup> option_groups(const CommandRecord& command) {
  std::vector<OptionGroup> groups;
  for (const OptionRecord& record : command.options) {
    const auto known = [&](const OptionGroup& group) { return group.name == record.group; };
    auto group = std::ranges::find_if(groups, known);
    if (group == groups.end()) group = groups.insert(groups.end(), {record.group, {}});
    group->options.push_back(&record);
  }
  return groups;
}

std::string signature(const OptionRecord& record) {
  std::string text = display_name(record);
  if (text == record.value_name) return text;
  if (record.short_name != '\0') text = fmt::format("-{}, {}", record.short_name, text);
  if (record.type != OptionType::Flag) text += fmt::format(" {}", record.value_name);
  return text;
}

std::string notes(const OptionRecord& record) {
  std::vector<std::string> parts;
  if (record.required && display_name(record) != record.value_name) parts.emplace_back("required");
  if (!record.choices.empty()) {
    parts.push_back(fmt::format("{}", fmt::join(split_choices(record.choices), " | ")));
  }
  if (const std::string range = value_range(record); !range.empty()) parts.push_back(range);
  if (const std::string fallback = default_text(record); !fallback.empty()) {
    parts.push_back(fmt::format("default {}", fallback));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string usage(const CommandRecord& command) {
  std::string text = fmt::format("ompq {}", command.name);
  for (const OptionRecord& operand : command.operands) {
    text += fmt::format(" {}{}", operand.name, may_repeat(operand.type) ? "..." : "");
  }
  for (const OptionRecord& record : command.options) {
    if (!record.required) continue;
    text += record.short_name == '\0' ? fmt::format(" --{}", record.name)
                                      : fmt::format(" -{}", record.short_name);
    text += fmt::format(" {}", record.value_name);
  }
  return text + " [options]";
}

std::span<const ExitStatusRow> exit_statuses() {
  static constexpr std::array<ExitStatusRow, 6> kRows{{
      {static_cast<int>(ExitCode::Done), "done"},
      {static_cast<int>(ExitCode::OwnFault), "a bug in ompq"},
      {static_cast<int>(ExitCode::WrongUsage), "wrong usage: an option or a combination of them"},
      {static_cast<int>(ExitCode::BadInput),
       "bad input: a file, a model or data; or not enough memory or disk"},
      {static_cast<int>(ExitCode::NoAllocation), "no allocation fits the budget"},
      {static_cast<int>(ExitCode::Interrupted), "interrupted (SIGINT, SIGTERM, SIGHUP)"},
  }};
  return kRows;
}

}  // namespace ompq::app
