#include "ompq/commands/file_quality.h"

#include <array>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>
#include <sys/wait.h>

#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/progress.h"
#include "ompq/core/signal_shield.h"

namespace ompq::commands {
namespace {

constexpr const char* kEvalOption = "--eval-command";

/// One word of a shell.
std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

struct Finished {
  int status = 0;
  std::string output;
};

/// Standard error of the command is that of the program.
Finished run_shell(const std::string& line) {
  const SignalShieldGap gap;  // the command gets signals as usual
  FILE* stream = ::popen(line.c_str(), "re");
  if (stream == nullptr)
    throw FileError(kEvalOption, "cannot be started; check the limit of processes");
  Finished finished;
  std::array<char, 4096> part{};
  while (const std::size_t count = std::fread(part.data(), 1, part.size(), stream)) {
    // A command that prints without end must not take all memory; the last line counts.
    constexpr std::size_t kKept = 1 << 16;
    finished.output.append(part.data(), count);
    if (finished.output.size() > 2 * kKept)
      finished.output.erase(0, finished.output.size() - kKept);
  }
  finished.status = ::pclose(stream);
  return finished;
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
  const Finished finished = run_shell(command + " " + shell_word(file.string()));
  check_interrupt();
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
