#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace ompq {

/// What long work tells whoever watches. The library never prints; the command line draws the bar.
struct ProgressEvent {
  std::string_view task;    ///< e.g. "features", "sensitivity"
  std::int64_t done = 0;    ///< units finished
  std::int64_t total = 0;   ///< units in all, 0 if unknown
  std::string_view detail;  ///< e.g. the layer at work; may be empty
};
using ProgressHandler = std::function<void(const ProgressEvent&)>;

/// Work calls this between units; it throws Interrupted where the user asked to stop.
void check_interrupt();
/// Asks all work to stop at its next unit; safe in a signal handler.
void request_interrupt() noexcept;

}  // namespace ompq
