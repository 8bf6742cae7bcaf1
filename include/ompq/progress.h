#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "ompq/api.h"

namespace ompq {

/// Where long work is. The library never prints.
struct ProgressEvent {
  std::string_view task;    ///< such as "features", "sensitivity"
  std::int64_t done = 0;    ///< units finished
  std::int64_t total = 0;   ///< number of units, 0 if unknown
  std::string_view detail;  ///< such as the current layer; may be empty
};
/// Called between units of work, from one thread at a time. What it throws ends the work.
using ProgressHandler = std::function<void(const ProgressEvent&)>;

/// Asks the running work to stop at its next unit, where it throws Interrupted. Safe in a signal
/// handler. Options::stop does the same for a single call.
OMPQ_API void request_interrupt() noexcept;

}  // namespace ompq
