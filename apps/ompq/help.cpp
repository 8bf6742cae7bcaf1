#include <algorithm>

#include <fmt/format.h>

#include "documentation.h"
#include "ompq/options/command_table.h"
#include "option_text.h"

namespace ompq::app {
namespace {

constexpr std::size_t kLineWidth = 88;
constexpr std::size_t kTextColumn = 28;

/// Breaks `text` into lines of at most kLineWidth, each after the first indented by `indent`;
/// `used` characters of the first line are already occupied.
std::string wrap(std::string_view text, std::size_t indent, std::size_t used) {
  std::string result;
  std::size_t column = used;
  bool line_start = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (!line_start && column + 1 + end > kLineWidth) {
      result += '\n';
      result.append(indent, ' ');
      column = indent;
      line_start = true;
    }
    if (!line_start) {
      result += ' ';
      ++column;
    }
    result += text.substr(0, end);
    column += end;
    line_start = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

/// " left right", where right starts at kTextColumn and is wrapped within its column.
std::string two_columns(std::string_view left, std::string_view right) {
  std::string line = fmt::format("  {}", left);
  if (line.size() + 2 > kTextColumn) {
    line += '\n';
    line.append(kTextColumn, ' ');
  } else {
    line.resize(kTextColumn, ' ');
  }
  return line + wrap(right, kTextColumn, kTextColumn) + '\n';
}

std::string describe(const OptionRecord& record) {
  const std::string extra = notes(record);
  return two_columns(
      signature(record),
      extra.empty() ? std::string(record.text) : fmt::format("{} [{}]", record.text, extra));
}

std::string exit_status_help() {
  std::string text = "\nExit status:\n";
  for (const ExitStatusRow& row : exit_statuses()) {
    text += two_columns(fmt::format("{}", row.status), row.meaning);
  }
  return text;
}

}  // namespace

std::string program_help() {
  std::string text =
      "ompq makes a trained ONNX network smaller: it decides how many bits each layer gets under\n"
      "a budget, quantizes, and writes a file that has that size and runs in a stock runtime.\n\n"
      "Usage: ompq COMMAND ... [options]\n\nCommands:\n";
  for (const CommandRecord& command : command_table()) {
    text += two_columns(command.name, command.summary);
  }
  text += "\nOptions:\n";
  text += two_columns("-h, --help", "print this help, or with a COMMAND that command's, and exit");
  text += two_columns("--version", "print the version, with --verbose those of the libraries too");
  text += exit_status_help();
  text +=
      "\nA first step:\n  ompq inspect model.onnx\n"
      "  ompq quantize model.onnx --data images/ --avg-bits 3 -o small.onnx\n";
  return text;
}

std::string command_help(const CommandRecord& command) {
  std::string text =
      fmt::format("Usage: {}\n\n{}\n", usage(command), wrap(command.description, 0, 0));
  if (!command.operands.empty()) text += "\nOperands:\n";
  for (const OptionRecord& operand : command.operands) text += describe(operand);
  for (const OptionGroup& group : option_groups(command)) {
    text += fmt::format("\n{}:\n", group.name);
    for (const OptionRecord* record : group.options) text += describe(*record);
  }
  text += "\nExamples:\n";
  for (const std::string_view example : command.examples) text += fmt::format("  {}\n", example);
  return text;
}

}  // namespace ompq::app
