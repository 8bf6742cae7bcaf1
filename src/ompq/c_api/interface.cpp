// The functions of include/ompq.h.
#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include "ompq.h"
#include "ompq/c_api/run.h"
#include "ompq/c_api/status.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/signal_shield.h"
#include "ompq/core/version.h"

/// The handle of C.
struct ompq_run {
  ompq::c_api::Run run;
};

namespace ompq::c_api {
namespace {

/// @throws InternalError if the argument is null.
template <typename T>
T* required(T* argument, const char* name) {
  if (argument != nullptr) return argument;
  throw InternalError("C interface", fmt::format("the argument {} is null", name));
}

template <typename Work>
int on_run(ompq_run* handle, const Work& work) noexcept {
  if (handle == nullptr) return OMPQ_INTERNAL_ERROR;
  return handle->run.guarded([&] { work(handle->run); });
}

int c_level(spdlog::level::level_enum level) {
  return std::clamp(static_cast<int>(level) - 1, int{OMPQ_LOG_DEBUG}, int{OMPQ_LOG_ERROR});
}

/// Without a lock of its own: a handler may execute another run, which logs too.
class CallbackSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  CallbackSink(ompq_log_handler handler, void* context) : handler_(handler), context_(context) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string line(message.payload.data(), message.payload.size());
    const SignalShieldGap gap;
    handler_(context_, c_level(message.level), line.c_str());
  }
  void flush_() override {}

 private:
  ompq_log_handler handler_;
  void* context_;
};

void set_handler(ompq_log_handler handler, void* context, int minimum) {
  log().sinks().clear();
  if (handler == nullptr) return;
  log().sinks().push_back(std::make_shared<CallbackSink>(handler, context));
  log().set_level(static_cast<spdlog::level::level_enum>(
      std::clamp(minimum, int{OMPQ_LOG_DEBUG}, int{OMPQ_LOG_ERROR}) + 1));
}

}  // namespace
}  // namespace ompq::c_api

extern "C" {

int ompq_c_version(void) { return OMPQ_C_VERSION; }

const char* ompq_version(void) { return ompq::version(); }

const char* ompq_status_name(int status) { return ompq::c_api::status_name(status); }

ompq_run* ompq_run_create(const char* command) {
  auto* handle = new (std::nothrow) ompq_run;
  ompq::c_api::on_run(handle, [&](ompq::c_api::Run& run) {
    run.set_command(ompq::c_api::required(command, "command"));
  });
  return handle;
}

void ompq_run_free(ompq_run* run) { delete run; }

int ompq_run_set_options(ompq_run* run, const char* json) {
  return ompq::c_api::on_run(run, [&](ompq::c_api::Run& known) {
    known.set_options(ompq::c_api::required(json, "json"));
  });
}

int ompq_run_add_array(ompq_run* run,
                       const char* option,
                       const char* name,
                       const char* dtype,
                       const int64_t* shape,
                       int rank,
                       const void* data) {
  return ompq::c_api::on_run(run, [&](ompq::c_api::Run& known) {
    using ompq::c_api::required;
    const std::size_t extents = rank > 0 ? static_cast<std::size_t>(rank) : 0;
    known.add_array(required(option, "option"),
                    required(name, "name"),
                    required(dtype, "dtype"),
                    {extents > 0 ? required(shape, "shape") : nullptr, extents},
                    data);
  });
}

int ompq_run_on_progress(ompq_run* run, ompq_progress_handler handler, void* context) {
  return ompq::c_api::on_run(
      run, [&](ompq::c_api::Run& known) { known.set_progress(handler, context); });
}

int ompq_run_on_evaluate(ompq_run* run, ompq_evaluate_handler handler, void* context) {
  return ompq::c_api::on_run(run, [&](ompq::c_api::Run& known) {
    known.set_evaluate(ompq::c_api::required(handler, "handler"), context);
  });
}

int ompq_run_add_result(ompq_run* run, const char* name, const char* json) {
  return ompq::c_api::on_run(run, [&](ompq::c_api::Run& known) {
    using ompq::c_api::required;
    known.add_result(required(name, "name"), required(json, "json"));
  });
}

int ompq_run_set_call(ompq_run* run, const char* call) {
  return ompq::c_api::on_run(
      run, [&](ompq::c_api::Run& known) { known.set_call(ompq::c_api::required(call, "call")); });
}

int ompq_run_stop_on_sigint(ompq_run* run) {
  return ompq::c_api::on_run(run, [&](ompq::c_api::Run& known) { known.stop_on_sigint(); });
}

int ompq_run_execute(ompq_run* run) {
  return ompq::c_api::on_run(run, [&](ompq::c_api::Run& known) { known.execute(); });
}

void ompq_run_cancel(ompq_run* run) {
  if (run != nullptr) run->run.cancel();
}

const char* ompq_run_result(const ompq_run* run) {
  return run == nullptr ? nullptr : run->run.result();
}

int ompq_run_status(const ompq_run* run) {
  return run == nullptr ? OMPQ_INTERNAL_ERROR : run->run.failure().status;
}

const char* ompq_run_error_where(const ompq_run* run) {
  return run == nullptr ? "C interface" : run->run.failure().where.c_str();
}

const char* ompq_run_error_message(const ompq_run* run) {
  if (run == nullptr) return "[C interface] there is no run: the argument run is null";
  const ompq::c_api::Failure& failure = run->run.failure();
  const bool lost = failure.status != OMPQ_OK && failure.message.empty();
  return lost ? "[memory] there is not enough memory" : failure.message.c_str();
}

void ompq_set_log_handler(ompq_log_handler handler, void* context, int minimum) {
  try {
    ompq::c_api::set_handler(handler, context, minimum);
  } catch (...) {  // no memory: the log stays discarded
  }
}
}
