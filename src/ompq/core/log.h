#pragma once

#include <spdlog/spdlog.h>

namespace ompq {

/// The library's logger, named "ompq". It writes nowhere until an application gives it a sink.
[[nodiscard]] spdlog::logger& log();

}  // namespace ompq
