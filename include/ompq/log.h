#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "ompq/api.h"

namespace ompq {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

/// Receives the library's log from `least` on; lines have no line break. An empty handler, the
/// initial state, discards it. Must not throw.
using LogHandler = std::function<void(LogLevel level, std::string_view line)>;
OMPQ_API void set_log_handler(LogHandler handler, LogLevel least = LogLevel::Warning);

}  // namespace ompq
