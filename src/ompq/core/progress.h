#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace ompq {

/// A progress report of long work. The library never prints; the command line draws the bar.
struct ProgressEvent {
  std::string_view task;    ///< e.g. "features", "sensitivity"
  std::int64_t done = 0;    ///< units finished
  std::int64_t total = 0;   ///< total units, 0 if unknown
  std::string_view detail;  ///< e.g. the current layer; may be empty
};
using ProgressHandler = std::function<void(const ProgressEvent&)>;

/// Long work calls this between units. @throws Interrupted if the user asked to stop.
void check_interrupt();
/// Makes the next check throw Interrupted; safe in a signal handler.
void request_interrupt() noexcept;

}  // namespace ompq
