#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "ompq/errors.h"

namespace ompq {

/// A progress report of long work. The library never prints.
struct ProgressEvent {
  std::string_view task;    ///< such as "features", "sensitivity"
  std::int64_t done = 0;    ///< units finished
  std::int64_t total = 0;   ///< number of units, 0 if unknown
  std::string_view detail;  ///< such as the current layer; may be empty
};
/// Called between units of work, from one thread at a time. An exception from it ends the work.
using ProgressHandler = std::function<void(const ProgressEvent&)>;

/// Asks the running work to stop at its next unit, where it throws Interrupted. Safe in a signal
/// handler. Options::stop does the same for a single call.
OMPQ_API void request_interrupt() noexcept;

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

/// Receives the library's log from `min_level` on; lines have no line break. An empty handler, the
/// initial state, discards it. Must not throw.
using LogHandler = std::function<void(LogLevel level, std::string_view line)>;
OMPQ_API void set_log_handler(LogHandler handler, LogLevel min_level = LogLevel::Warning);

}  // namespace ompq
