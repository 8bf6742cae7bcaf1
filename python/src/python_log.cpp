#include "python_log.h"

#include <memory>
#include <string>

#include <pybind11/pybind11.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include "ompq/core/log.h"

namespace py = pybind11;

namespace ompq::python {
namespace {

/// logging.DEBUG is 10, INFO 20, WARNING 30 and so on.
int python_level(spdlog::level::level_enum level) { return 10 * static_cast<int>(level); }

/// Python's logger does its own locking.
class PythonSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  // The library's log outlives the interpreter, so the reference is never released.
  PythonSink() : logger_(py::module_::import("logging").attr("getLogger")("ompq").release()) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const py::gil_scoped_acquire lock;
    try {
      logger_.attr("log")(python_level(message.level),
                          "%s",
                          std::string(message.payload.data(), message.payload.size()));
    } catch (py::error_already_set& error) {
      // Ctrl-C that Python noted and raised in its logger: it is raised again after the call.
      if (error.matches(PyExc_KeyboardInterrupt)) return PyErr_SetInterrupt();
      error.discard_as_unraisable("ompq's log");  // a failing log must not lose the result
    }
  }
  void flush_() override {}

 private:
  py::handle logger_;
};

}  // namespace

void route_log_to_python() {
  log().sinks() = {std::make_shared<PythonSink>()};
  log().set_level(spdlog::level::debug);
}

}  // namespace ompq::python
