#include "command_line.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"

namespace ompq::app {
namespace {

/// What CLI11 collected for one command: raw strings, which the records then check.
struct RawCommand {
  const CommandRecord* record = nullptr;
  CLI::App* parser = nullptr;
  std::map<std::string_view, std::vector<std::string>> texts;  // by option name
  std::map<std::string_view, bool> flags;
};

std::string flag_spelling(const OptionRecord& record) {
  const std::string name = fmt::format("--{}", record.name);
  return record.short_name == '\0' ? name : fmt::format("-{},{}", record.short_name, name);
}

/// Registers a command's records. CLI11 only separates names from values: types, ranges, missing
/// options and help come from the records themselves.
void register_command(CLI::App& program, RawCommand& raw) {
  const CommandRecord& command = *raw.record;
  raw.parser = program.add_subcommand(std::string(command.name), std::string(command.summary));
  raw.parser->set_help_flag();
  raw.parser->allow_extras();
  for (const OptionRecord& record : command.options) {
    if (record.type == OptionType::Flag) {
      raw.parser->add_flag(flag_spelling(record), raw.flags[record.name])->disable_flag_override();
    } else {
      raw.parser->add_option(flag_spelling(record), raw.texts[record.name])
          ->type_size(1)
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }
}

[[noreturn]] void refuse_word(std::string_view place,
                              std::string_view kind,
                              std::string_view word,
                              std::span<const std::string_view> known,
                              std::string_view help) {
  const std::string_view meant = meant_name(word, known);
  const std::string remedy =
      meant.empty() ? std::string(help) : fmt::format("did you mean '{}'?", meant);
  throw ConfigError(place, fmt::format("unknown {} '{}'; {}", kind, word, remedy));
}

[[noreturn]] void refuse_option(const CommandRecord& command, std::string_view word) {
  std::deque<std::string> spellings;
  std::vector<std::string_view> known;
  for (const OptionRecord& record : command.options) {
    known.push_back(spellings.emplace_back(fmt::format("--{}", record.name)));
  }
  refuse_word(command.name,
              "option",
              word.substr(0, word.find('=')),
              known,
              fmt::format("see 'ompq {} --help'", command.name));
}

/// Assigns the words that are not options to the operands, in order.
void take_operands(RawCommand& raw, const std::vector<std::string>& words) {
  const CommandRecord& command = *raw.record;
  const auto is_option = [](const std::string& word) { return word.size() > 1 && word[0] == '-'; };
  const auto unknown = std::ranges::find_if(words, is_option);
  if (unknown != words.end()) refuse_option(command, *unknown);
  for (std::size_t i = 0; i < command.operands.size(); ++i) {
    auto& texts = raw.texts[command.operands[i].name];
    if (i < words.size()) texts.push_back(words[i]);
  }
  if (!command.operands.empty() && may_repeat(command.operands.back().type)) {
    const std::size_t taken = std::min(words.size(), command.operands.size());
    auto& texts = raw.texts[command.operands.back().name];
    texts.insert(texts.end(), words.begin() + static_cast<std::ptrdiff_t>(taken), words.end());
  } else if (words.size() > command.operands.size()) {
    throw ConfigError(command.name,
                      fmt::format("'{}' is one operand too many; see 'ompq {} --help'",
                                  words[command.operands.size()],
                                  command.name));
  }
}

[[noreturn]] void refuse_command(std::string_view word) {
  std::vector<std::string_view> known;
  for (const CommandRecord& command : command_table()) known.push_back(command.name);
  const bool option = word.starts_with('-');
  if (option) known = {"--help", "--version"};
  refuse_word(
      "ompq", option ? "option" : "command", word, known, "'ompq --help' lists what there is");
}

/// `text` as a word for a POSIX shell, quoted only if necessary.
std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(kPlain) == text.npos) return std::string(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string shell_line(int argc, const char* const* argv) {
  std::string line = "ompq";
  for (int i = 1; i < argc; ++i) line += " " + shell_word(argv[i]);
  return line;
}

GivenOptions given_options(const RawCommand& raw) {
  GivenOptions given{.texts = raw.texts};
  for (const auto& [name, set] : raw.flags) {
    if (set) given.flags.insert(name);
  }
  return given;
}

/// Errors that CLI11 itself reports: an option without its value, or a flag with one.
[[noreturn]] void refuse_syntax(const CLI::ParseError& error) {
  const std::string message = error.what();
  const std::size_t colon = message.find(": ");
  if (message.starts_with('-') && colon != std::string::npos) {
    throw ConfigError(message.substr(0, colon), "needs a value");
  }
  if (message.find("flag override") != std::string::npos) {
    throw ConfigError("--" + message.substr(0, message.find(' ')), "takes no value");
  }
  throw ConfigError("ompq", fmt::format("{}; see 'ompq --help'", message));
}

/// If a value is missing, CLI11 takes the next option as the value.
void refuse_forgotten_values(const RawCommand& raw) {
  for (const OptionRecord& record : raw.record->options) {
    const auto found = raw.texts.find(record.name);
    if (found == raw.texts.end()) continue;
    for (const std::string& text : found->second) {
      if (text.starts_with("--")) throw ConfigError(display_name(record), "needs a value");
    }
  }
}

}  // namespace

std::variant<CommandRequest, Answer> parse_command_line(int argc, const char* const* argv) {
  CLI::App program;
  program.set_help_flag();
  program.allow_extras();
  program.require_subcommand(0, 1);  // a file may have the name of another command
  bool help = false;
  bool version = false;
  bool verbose = false;
  std::string documentation;
  program.add_flag("-h,--help", help);
  program.add_flag("--version", version);
  program.add_flag("-v,--verbose", verbose);
  program.add_option("--print-docs", documentation);

  std::deque<RawCommand> commands;
  for (const CommandRecord& record : command_table()) {
    RawCommand& raw = commands.emplace_back();
    raw.record = &record;
    register_command(program, raw);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    refuse_syntax(error);
  }

  const auto chosen =
      std::ranges::find_if(commands, [](const RawCommand& raw) { return raw.parser->parsed(); });
  if (chosen == commands.end()) {
    const auto extras = program.remaining();
    if (!extras.empty()) refuse_command(extras.front());
    if (version) return Answer{Answer::Kind::Version, "", verbose};
    if (!documentation.empty()) return Answer{Answer::Kind::Documentation, documentation, false};
    if (help) return Answer{Answer::Kind::Help, "", false};
    throw ConfigError("ompq", "no command is given; 'ompq --help' lists them");
  }
  if (help || chosen->flags["help"]) {
    return Answer{Answer::Kind::Help, std::string(chosen->record->name), false};
  }
  refuse_forgotten_values(*chosen);
  take_operands(*chosen, program.remaining(true));
  return CommandRequest{.command = std::string(chosen->record->name),
                        .values = read_options(*chosen->record, given_options(*chosen)),
                        .line = shell_line(argc, argv)};
}

}  // namespace ompq::app
