#include <fmt/format.h>

#include "documentation.h"
#include "ompq/core/version.h"
#include "ompq/options/command_table.h"
#include "option_text.h"

namespace ompq::app {
namespace {

/// Escapes text for roff: a hyphen stays a hyphen, and no line starts with a request.
std::string roff(std::string_view text) {
  std::string escaped;
  if (text.starts_with('.') || text.starts_with('\'')) escaped += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string man_entry(const OptionRecord& record) {
  const std::string extra = notes(record);
  return fmt::format(".TP\n\\fB{}\\fR\n{}{}.\n",
                     roff(signature(record)),
                     roff(record.text),
                     extra.empty() ? "" : fmt::format(" ({})", roff(extra)));
}

std::string man_section(const CommandRecord& command) {
  std::string text = fmt::format(".SH {}\n.nf\n{}\n.fi\n.PP\n{}\n",
                                 roff(fmt::format("OMPQ {}", command.name)),
                                 roff(usage(command)),
                                 roff(command.description));
  for (const OptionRecord& operand : command.operands) text += man_entry(operand);
  for (const OptionGroup& group : option_groups(command)) {
    text += fmt::format(".SS {}\n", roff(group.name));
    for (const OptionRecord* record : group.options) text += man_entry(*record);
  }
  text += ".SS Examples\n.nf\n";
  for (const std::string_view example : command.examples)
    text += fmt::format("{}\n", roff(example));
  return text + ".fi\n";
}

}  // namespace

std::string man_page_text() {
  std::string text = fmt::format(
      ".TH OMPQ 1 \"\" \"ompq {}\" \"User Commands\"\n.SH NAME\nompq \\- make a trained ONNX "
      "network smaller, with mixed precision\n.SH SYNOPSIS\n.nf\n",
      version());
  for (const CommandRecord& command : command_table()) {
    text += fmt::format("{}\n", roff(usage(command)));
  }
  text +=
      ".fi\n.SH DESCRIPTION\nompq decides how many bits each layer of a network gets under a "
      "budget, quantizes, and writes a file that has that size and runs in a stock ONNX runtime.\n"
      "Results go to standard output; progress, warnings and errors go to standard error.\n";
  for (const CommandRecord& command : command_table()) text += man_section(command);
  text += ".SH EXIT STATUS\n";
  for (const ExitStatusRow& row : exit_statuses()) {
    text += fmt::format(".TP\n{}\n{}.\n", row.status, roff(row.meaning));
  }
  return text;
}

}  // namespace ompq::app
