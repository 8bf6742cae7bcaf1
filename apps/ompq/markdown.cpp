#include <fmt/format.h>

#include "documentation.h"
#include "ompq/options/command_table.h"
#include "option_text.h"

namespace ompq::app {
namespace {

/// Escapes "|", which would end a table cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string option_row(const OptionRecord& record) {
  return fmt::format(
      "| `{}` | {} | {} |\n", signature(record), cell(record.text), cell(notes(record)));
}

std::string command_section(const CommandRecord& command) {
  std::string text = fmt::format(
      "\n## ompq {}\n\n```\n{}\n```\n\n{}\n", command.name, usage(command), command.description);
  if (!command.operands.empty()) text += "\n| operand | what it is | |\n|---|---|---|\n";
  for (const OptionRecord& operand : command.operands) text += option_row(operand);
  for (const OptionGroup& group : option_groups(command)) {
    text += fmt::format("\n| {} | what it does | values |\n|---|---|---|\n", group.name);
    for (const OptionRecord* record : group.options) text += option_row(*record);
  }
  text += "\n```sh\n";
  for (const std::string_view example : command.examples) text += fmt::format("{}\n", example);
  return text + "```\n";
}

}  // namespace

std::string markdown_text() {
  std::string text =
      "# The command line\n\n"
      "<!-- Made by `ompq --print-docs markdown` from the option records; `make docs` writes it "
      "again. -->\n\n"
      "Results go to standard output; progress, warnings and errors go to standard error.\n\n"
      "| command | what it does |\n|---|---|\n";
  for (const CommandRecord& command : command_table()) {
    text += fmt::format("| [`{0}`](#ompq-{0}) | {1} |\n", command.name, command.summary);
  }
  text += "\n| exit status | meaning |\n|---|---|\n";
  for (const ExitStatusRow& row : exit_statuses()) {
    text += fmt::format("| {} | {} |\n", row.status, row.meaning);
  }
  for (const CommandRecord& command : command_table()) text += command_section(command);
  return text;
}

}  // namespace ompq::app
