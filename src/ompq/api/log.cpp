#include "ompq/core/log.h"

#include <memory>
#include <mutex>
#include <utility>

#include <spdlog/sinks/base_sink.h>

#include "ompq/progress.h"

namespace ompq {
namespace {

LogLevel level_of(spdlog::level::level_enum level) {
  if (level <= spdlog::level::debug) return LogLevel::Debug;
  if (level == spdlog::level::info) return LogLevel::Info;
  return level == spdlog::level::warn ? LogLevel::Warning : LogLevel::Error;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warning:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
  }
  return spdlog::level::warn;
}

class HandlerSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit HandlerSink(LogHandler handler) : handler_(std::move(handler)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    handler_(level_of(message.level), {message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

 private:
  LogHandler handler_;
};

}  // namespace

void set_log_handler(LogHandler handler, LogLevel min_level) {
  log().sinks().clear();
  if (!handler) return;
  log().sinks().push_back(std::make_shared<HandlerSink>(std::move(handler)));
  log().set_level(spdlog_level(min_level));
}

}  // namespace ompq
