#include "completion.h"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/options/command_table.h"

namespace ompq::app {
namespace {

std::vector<std::string> spellings(const OptionRecord& record) {
  std::vector<std::string> names{fmt::format("--{}", record.name)};
  if (record.short_name != '\0') names.insert(names.begin(), fmt::format("-{}", record.short_name));
  return names;
}

bool takes_files(const OptionRecord& record) {
  return record.type == OptionType::Path || record.type == OptionType::Paths;
}

std::string command_names() {
  std::vector<std::string_view> names;
  for (const CommandRecord& command : command_table()) names.push_back(command.name);
  return fmt::format("{}", fmt::join(names, " "));
}

// --- bash ------------------------------------------------------------------------------------

/// The possible values of an option or operand, as arguments of compgen.
std::string bash_values(const OptionRecord& record) {
  if (takes_files(record)) return "-f";
  return fmt::format("-W '{}'", fmt::join(split_choices(record.choices), " "));
}

std::string bash_command(const CommandRecord& command) {
  std::string values;
  std::vector<std::string> options;
  for (const OptionRecord& record : command.options) {
    for (const std::string& name : spellings(record)) options.push_back(name);
    if (record.type == OptionType::Flag) continue;
    values += fmt::format("        {}) COMPREPLY=($(compgen {} -- \"$word\")); return ;;\n",
                          fmt::join(spellings(record), "|"),
                          bash_values(record));
  }
  const std::string operand = command.operands.empty()
                                  ? ""
                                  : fmt::format(
                                        "      else\n"
                                        "        COMPREPLY=($(compgen {} -- \"$word\"))\n",
                                        bash_values(command.operands.front()));
  return fmt::format(
      "    {})\n      case $previous in\n{}      esac\n"
      "      if [[ $word == -* ]]; then\n"
      "        COMPREPLY=($(compgen -W '{}' -- \"$word\"))\n"
      "{}      fi ;;\n",
      command.name,
      values,
      fmt::join(options, " "),
      operand);
}

std::string bash_script() {
  std::string text = fmt::format(
      "# bash completion for ompq; made by 'ompq completion bash'\n"
      "_ompq() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  local IFS=$' \\t\\n'\n"
      "  COMPREPLY=()\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    COMPREPLY=($(compgen -W '{} --help --version' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n",
      command_names());
  for (const CommandRecord& command : command_table()) text += bash_command(command);
  return text + "  esac\n}\ncomplete -o filenames -F _ompq ompq\n";
}

// --- zsh -------------------------------------------------------------------------------------

/// Escapes text for single quotes inside an _arguments specification.
std::string zsh_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      escaped += '\\';
      escaped += c;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// ":NAME:action" of _arguments.
std::string zsh_value(const OptionRecord& record) {
  std::string action = " ";
  if (takes_files(record)) action = "_files";
  if (!record.choices.empty()) {
    action = fmt::format("({})", fmt::join(split_choices(record.choices), " "));
  }
  return fmt::format(":{}:{}", zsh_text(record.value_name), action);
}

std::string zsh_command(const CommandRecord& command) {
  std::string text = fmt::format("    {})\n      _arguments -s \\\n", command.name);
  for (const OptionRecord& record : command.options) {
    const bool repeats = may_repeat(record.type);
    for (const std::string& name : spellings(record)) {
      text += fmt::format("        '{}{}[{}]{}' \\\n",
                          repeats ? "*" : "",
                          name,
                          zsh_text(record.text),
                          record.type == OptionType::Flag ? "" : zsh_value(record));
    }
  }
  for (std::size_t i = 0; i < command.operands.size(); ++i) {
    const OptionRecord& operand = command.operands[i];
    const std::string place = may_repeat(operand.type) ? "*" : std::to_string(i + 1);
    const bool last = i + 1 == command.operands.size();
    text += fmt::format("        '{}{}' {}\n", place, zsh_value(operand), last ? ";;" : "\\");
  }
  return text;
}

std::string zsh_script() {
  std::string text =
      "#compdef ompq\n# zsh completion for ompq; made by 'ompq completion zsh'\n"
      "_ompq() {\n"
      "  local -a commands=(\n";
  for (const CommandRecord& command : command_table()) {
    text += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.summary));
  }
  text +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe 'command' commands\n"
      "    _arguments '--help[print help and exit]' '--version[print the version and exit]'\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const CommandRecord& command : command_table()) text += zsh_command(command);
  // Sourced, the file defines the function for compdef; autoloaded, it is the function's body.
  return text +
         "  esac\n}\n"
         "if [[ $funcstack[1] == _ompq ]]; then\n  _ompq \"$@\"\nelse\n  compdef _ompq ompq\nfi\n";
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  throw InternalError("completion", fmt::format("no script for the shell '{}'", shell));
}

}  // namespace ompq::app
