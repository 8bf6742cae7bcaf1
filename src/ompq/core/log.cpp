#include "ompq/core/log.h"

#include <spdlog/sinks/null_sink.h>

namespace ompq {

spdlog::logger& log() {
  static const auto logger = [] {
    if (auto existing = spdlog::get("ompq")) return existing;
    auto silent =
        std::make_shared<spdlog::logger>("ompq", std::make_shared<spdlog::sinks::null_sink_mt>());
    spdlog::register_logger(silent);
    return silent;
  }();
  return *logger;
}

}  // namespace ompq
