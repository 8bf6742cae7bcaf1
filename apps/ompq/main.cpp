#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <string_view>

#include <execinfo.h>
#include <fmt/format.h>

#include "command_line.h"
#include "completion.h"
#include "demo_command.h"
#include "documentation.h"
#include "engine_loader.h"
#include "failure.h"
#include "ompq/core/error.h"
#include "ompq/core/version.h"
#include "ompq/options/command_table.h"
#include "ompq/report/python_types.h"
#include "report_command.h"
#include "stack_limit.h"
#include "standard_streams.h"
#include "stop_signals.h"

namespace ompq::app {
namespace {

std::string documentation(const std::string& format) {
  if (format == "markdown") return markdown_text();
  if (format == "python") return report::python_types();
  if (format == "man") return man_page_text();
  if (format == "records") return records_text();
  throw ConfigError("--print-docs",
                    fmt::format("'{}' is not one of markdown, man, python, records", format));
}

std::string answer_text(const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::Help:
      return answer.subject.empty() ? program_help() : command_help(*find_command(answer.subject));
    case Answer::Kind::Documentation:
      return documentation(answer.subject);
    case Answer::Kind::Version: {
      std::string text = fmt::format("ompq {}\n", version());
      if (answer.verbose) text += load_engine().versions();
      return text;
    }
  }
  throw InternalError("ompq", "unknown kind of request");
}

/// A command that runs no networks (CommandRecord::runs_networks), which needs no engine.
struct OwnCommand {
  std::string_view name;
  std::string (*text)(const OptionValues&);  ///< runs the command; returns what to print
};

constexpr std::array<OwnCommand, 2> kOwnCommands{{
    {"report", run_report},
    {"completion",
     [](const OptionValues& values) { return completion_script(values.text("SHELL")); }},
}};

int run(int argc, char** argv) {
  const auto asked = parse_command_line(argc, argv);
  if (const auto* answer = std::get_if<Answer>(&asked)) {
    write_output(answer_text(*answer));
    return static_cast<int>(ExitCode::Done);
  }
  const auto& request = std::get<CommandRequest>(asked);
  if (request.command == "demo") return run_demo(request.values);
  const auto own = std::ranges::find(kOwnCommands, request.command, &OwnCommand::name);
  if (own == kOwnCommands.end()) return run_on_engine(request);
  write_output(own->text(request.values));
  return static_cast<int>(ExitCode::Done);
}

/// The C library loads what it needs to end a thread when the first one ends. If there is no memory
/// then, it aborts.
void load_unwinder() {
  void* frame = nullptr;
  static_cast<void>(::backtrace(&frame, 1));
}

}  // namespace
}  // namespace ompq::app

int main(int argc, char** argv) {
  ompq::app::open_standard_streams();
  ompq::app::handle_signals();
  ompq::app::load_unwinder();
  std::set_terminate([] { ompq::app::end_at_once(ompq::app::report_uncaught([] { throw; })); });
  try {
    ompq::app::raise_stack_limit();
    return ompq::app::run(argc, argv);
  } catch (const std::exception& error) {
    return ompq::app::report_failure(error);
  }
}
