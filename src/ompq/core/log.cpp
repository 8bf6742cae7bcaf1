#include "ompq/core/log.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <spdlog/sinks/null_sink.h>

#include "ompq/core/display_text.h"

namespace ompq {
namespace {

/// Makes every message safe to show before any sink gets it.
class SafeLogger final : public spdlog::logger {
 public:
  explicit SafeLogger(std::vector<spdlog::sink_ptr> sinks)
      : spdlog::logger("ompq", sinks.begin(), sinks.end()) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string text =
        display_message(std::string_view(message.payload.data(), message.payload.size()));
    spdlog::details::log_msg safe = message;
    safe.payload = spdlog::string_view_t(text.data(), text.size());
    spdlog::logger::sink_it_(safe);
  }
};

}  // namespace

spdlog::logger& log() {
  static const auto logger = [] {
    std::vector<spdlog::sink_ptr> sinks{std::make_shared<spdlog::sinks::null_sink_mt>()};
    if (const auto existing = spdlog::get("ompq")) {  // registered by another copy of the library
      sinks = existing->sinks();
      spdlog::drop("ompq");
    }
    auto made = std::make_shared<SafeLogger>(std::move(sinks));
    spdlog::register_logger(made);
    return made;
  }();
  return *logger;
}

}  // namespace ompq
