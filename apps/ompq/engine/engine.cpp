#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include "failure.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/provenance.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/out_of_memory.h"
#include "ompq/core/progress.h"
#include "ompq/core/unfinished_file.h"
#include "progress_bar.h"
#include "request.h"
#include "standard_streams.h"

namespace ompq::app {
namespace {

/// Prints the library's log on standard error: warnings, more with --verbose, nothing with --quiet.
/// Lines and the progress bar share the terminal, so the bar is redrawn below each line.
class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(ProgressBar& bar) : bar_(bar) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto level = spdlog::level::to_string_view(message.level);
    bar_.interrupt_with(
        fmt::format("ompq: {}: {}\n",
                    std::string_view(level.data(), level.size()),
                    std::string_view(message.payload.data(), message.payload.size())));
  }
  void flush_() override {}

 private:
  ProgressBar& bar_;
};

/// During its lifetime, the library's log goes to `bar`'s stream.
class LogRoute {
 public:
  LogRoute(const OptionValues& options, ProgressBar& bar) {
    log().sinks() = {std::make_shared<StderrSink>(bar)};
    log().set_level(options.flag("quiet")     ? spdlog::level::off
                    : options.flag("verbose") ? spdlog::level::debug
                                              : spdlog::level::warn);
  }
  ~LogRoute() { log().sinks().clear(); }
  LogRoute(const LogRoute&) = delete;
  LogRoute& operator=(const LogRoute&) = delete;
};

void run(const CommandRequest& request) {
  ProgressBar bar(request.values.flag("quiet") ? ProgressStyle::Silent : style_of_stderr());
  const LogRoute route(request.values, bar);
  commands::Context context{.options = request.values,
                            .progress = [&](const ProgressEvent& event) { bar.show(event); },
                            .provenance = commands::provenance_of(request.line)};
  if (!request.values.flag("quiet")) {
    context.say = [&](const std::string& lines) { bar.interrupt_with(display_lines(lines)); };
  }
  const auto work = request.values.flag("json") ? commands::run_as_json : commands::run_as_text;
  const std::string text = display_lines(work(request.command, context));
  bar.finish();
  write_output(text);
}

[[noreturn]] void end_at_once(int status) {
  remove_unfinished_files();
  ::_exit(status);
}

std::atomic<bool> working{false};

/// Called by exit(): only a library ends the program while a command runs. The OpenMP runtime does
/// so if the system starts no more threads, after a line about it.
void report_exit_of_library() {
  if (!working.load()) return;
  end_at_once(report_failure(out_of_threads()));
}

int run_and_report(const CommandRequest& request) {
  std::set_terminate([] { end_at_once(report_uncaught(commands::rethrow_in_own_words)); });
  std::atexit(report_exit_of_library);
  working.store(true);
  int status = static_cast<int>(ExitCode::Done);
  try {
    run(request);
  } catch (const std::exception& error) {
    status = report_failure(error);
  }
  working.store(false);
  return status;
}

}  // namespace
}  // namespace ompq::app

extern "C" {

int ompq_engine_run(const ompq::CommandRequest* request) {
  return ompq::app::run_and_report(*request);
}

void ompq_engine_interrupt() { ompq::request_interrupt(); }

void ompq_engine_remove_files() { ompq::remove_unfinished_files(); }

const char* ompq_engine_versions() {
  static const std::string text = ompq::commands::library_versions();
  return text.c_str();
}
}
