#include "progress_bar.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ompq/core/display_text.h"
#include "ompq/tables/display_width.h"
#include "standard_streams.h"

namespace ompq::app {
namespace {

constexpr std::chrono::milliseconds kBarPause{100};
constexpr std::chrono::seconds kLinePause{5};
constexpr int kBarCells = 24;

std::size_t terminal_columns(std::FILE* stream) {
  winsize size{};
  const bool known = ::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string bar_cells(const ProgressEvent& event) {
  if (event.total <= 0) return "";
  const double share =
      std::clamp(static_cast<double>(event.done) / static_cast<double>(event.total), 0.0, 1.0);
  const int full = static_cast<int>(share * kBarCells);
  return fmt::format("[{:=<{}}{:<{}}] {:3.0f} %  ", "", full, "", kBarCells - full, 100 * share);
}

}  // namespace

ProgressStyle style_of_stderr() {
  return ::isatty(STDERR_FILENO) == 1 ? ProgressStyle::Bar : ProgressStyle::Lines;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string progress_text(const ProgressEvent& event, double seconds) {
  std::string text = display_name(event.task);
  text += event.total > 0 ? fmt::format(" {}/{}", event.done, event.total)
                          : fmt::format(" {}", event.done);
  // The rate of the first fraction of a second is not representative.
  if (event.done > 0 && seconds >= 0.2) {
    const double rate = static_cast<double>(event.done) / seconds;
    text += rate >= 1 ? fmt::format("  {:.1f}/s", rate) : fmt::format("  {:.1f} s each", 1 / rate);
    if (event.total > event.done) {
      text += fmt::format("  {} left",
                          duration_text(static_cast<double>(event.total - event.done) / rate));
    } else if (event.total > 0) {
      text += fmt::format("  done in {}", duration_text(seconds));
    }
  }
  if (!event.detail.empty()) text += fmt::format("  {}", display_name(event.detail));
  return text;
}

ProgressBar::ProgressBar(ProgressStyle style, std::FILE* stream) : style_(style), stream_(stream) {}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::show(const ProgressEvent& event, Clock::time_point now) {
  if (style_ == ProgressStyle::Silent) return;
  const std::lock_guard lock(mutex_);
  // If the count restarts, a new task of the same name has begun.
  const bool first = event.task != task_ || event.done < done_;
  done_ = event.done;
  if (first) start_task(event, now);
  const bool last = event.total > 0 && event.done >= event.total;
  const auto pause = style_ == ProgressStyle::Bar ? Clock::duration(kBarPause) : kLinePause;
  if (!first && !last && now - drawn_ < pause) return;
  draw(event, now);
  if (last) end_line();
}

void ProgressBar::start_task(const ProgressEvent& event, Clock::time_point now) {
  end_line();
  task_ = event.task;
  started_ = now;
}

void ProgressBar::draw(const ProgressEvent& event, Clock::time_point now) {
  drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const std::string text = progress_text(event, seconds);
  if (style_ == ProgressStyle::Lines) {
    write_if_possible(stream_, text + "\n");
    return;
  }
  erase_line();
  line_ = tables::cut_to_width(bar_cells(event) + text, terminal_columns(stream_) - 1);
  write_if_possible(stream_, line_);
}

void ProgressBar::erase_line() {
  if (!line_.empty()) write_if_possible(stream_, "\r\x1b[K");
}

void ProgressBar::end_line() {
  if (!line_.empty()) write_if_possible(stream_, "\n");
  line_.clear();
}

void ProgressBar::interrupt_with(const std::string& line) {
  const std::lock_guard lock(mutex_);
  erase_line();
  write_if_possible(stream_, line + line_);
}

void ProgressBar::finish() {
  const std::lock_guard lock(mutex_);
  end_line();
  task_.clear();
  done_ = 0;
}

}  // namespace ompq::app
