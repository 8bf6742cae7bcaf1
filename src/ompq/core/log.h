#pragma once

#include <spdlog/spdlog.h>

namespace ompq {

/// The library's logger, named "ompq". It writes nowhere until an application gives it a sink. What
/// a sink gets is one line that is safe to show (core/display_text.h).
[[nodiscard]] spdlog::logger& log();

}  // namespace ompq
