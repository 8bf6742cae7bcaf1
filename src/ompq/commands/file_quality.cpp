#include "ompq/commands/file_quality.h"

#include <charconv>
#include <cmath>
#include <csignal>
#include <string_view>

#include <fmt/format.h>
#include <sys/wait.h>

#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/shell_command.h"

namespace ompq::commands {
namespace {

constexpr const char* kEvalOption = "--eval-command";

/// One word of a shell, which is not taken for an option.
std::string shell_word(const std::string& text) {
  std::string word = text.starts_with('-') ? "'./" : "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string_view last_line(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  if (end == text.npos) return {};
  text = text.substr(0, end + 1);
  const std::size_t begin = text.find_last_of('\n');
  text = begin == text.npos ? text : text.substr(begin + 1);
  return text.substr(text.find_first_not_of(" \t"));
}

[[noreturn]] void refuse_quality(const std::string& command,
                                 const std::filesystem::path& file,
                                 const std::string& fault) {
  throw DataError(
      kEvalOption,
      fmt::format("'{}' {} for {}; it must end with status 0 and print a number in its last line",
                  display_name(command),
                  fault,
                  display_name(file.string())));
}

std::string status_text(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was ended by signal {}", WTERMSIG(status));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

}  // namespace

double run_eval_command(const std::string& command, const std::filesystem::path& file) {
  const FinishedCommand finished = run_shell_command(command + " " + shell_word(file.string()));
  if (WIFSIGNALED(finished.status) && WTERMSIG(finished.status) == SIGINT) {
    throw Interrupted(kEvalOption, "stopped by the user");
  }
  if (finished.status != 0) refuse_quality(command, file, status_text(finished.status));
  const std::string_view line = last_line(finished.output);
  double quality = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), quality);
  if (error != std::errc() || end != line.data() + line.size()) {
    refuse_quality(command,
                   file,
                   line.empty()
                       ? "printed nothing"
                       : fmt::format("printed '{}' last", display_name(std::string(line))));
  }
  return quality;
}

std::optional<double> quality_of(const Context& context, const std::filesystem::path& file) {
  const bool has_option = context.options.knows("eval-command");
  if (!has_option || (!context.judge && !context.options.has("eval-command"))) return std::nullopt;
  const double quality = context.judge
                             ? context.judge(file)
                             : run_eval_command(context.options.text("eval-command"), file);
  if (std::isfinite(quality)) return quality;
  throw DataError(
      kEvalOption,
      fmt::format(
          "the quality of {} is {}, not a finite number", display_name(file.string()), quality));
}

}  // namespace ompq::commands
