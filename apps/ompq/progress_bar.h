#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

#include "ompq/core/progress.h"

namespace ompq::app {

enum class ProgressStyle {
  Silent,  ///< nothing
  Lines,   ///< a plain line when a task starts, ends, and every few seconds between
  Bar,     ///< one line that is redrawn
};

/// Bar on a terminal, otherwise Lines.
[[nodiscard]] ProgressStyle style_of_stderr();

/// Shows progress with rate and time left. Safe to call from several threads.
class ProgressBar {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ProgressBar(ProgressStyle style, std::FILE* stream = stderr);
  /// Leaves the cursor on a new line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(const ProgressEvent& event) { show(event, Clock::now()); }
  void show(const ProgressEvent& event, Clock::time_point now);
  /// Prints `line`, which ends in a newline, above the bar; in every style.
  void interrupt_with(const std::string& line);
  /// Ends the task that is shown, if any.
  void finish();

 private:
  void start_task(const ProgressEvent& event, Clock::time_point now);
  void draw(const ProgressEvent& event, Clock::time_point now);
  void erase_line();
  void end_line();

  ProgressStyle style_;
  std::FILE* stream_;
  std::mutex mutex_;
  std::string task_;
  std::int64_t done_ = 0;  // of task_
  Clock::time_point started_;
  Clock::time_point drawn_;
  std::string line_;  // content of the terminal's current line
};

/// "features 12/64 3.4/s 16 s left": the text of both styles for `event`, `seconds` after the start
/// of its task.
[[nodiscard]] std::string progress_text(const ProgressEvent& event, double seconds);
/// "48 s", "3 min 05 s", "2 h 10 min".
[[nodiscard]] std::string duration_text(double seconds);

}  // namespace ompq::app
