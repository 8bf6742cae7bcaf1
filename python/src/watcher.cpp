#include "watcher.h"

#include <string>

#include "ompq/core/error.h"
#include "ompq/core/signal_shield.h"

namespace py = pybind11;

namespace ompq::python {
namespace {

struct sigaction before {};  // Python's handler of Ctrl-C

extern "C" void forward_interrupt(int number) {
  // Python's first: the work may end, in another thread, as soon as it is asked to.
  before.sa_handler(number);
  request_interrupt();
}

bool in_main_thread() {
  const py::module_ threading = py::module_::import("threading");
  return threading.attr("current_thread")().is(threading.attr("main_thread")());
}

}  // namespace

void Watcher::call(const ProgressEvent& event) const {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  if (callable_.is_none()) return;
  callable_(std::string(event.task), event.done, event.total, std::string(event.detail));
}

void Watcher::show(const ProgressEvent& event) {
  const SignalShieldGap gap;
  const py::gil_scoped_acquire lock;
  if (!failure_) {
    try {
      call(event);
    } catch (const py::error_already_set&) {
      failure_ = std::current_exception();
    }
  }
  if (failure_) throw Interrupted("progress", "stopped by the caller");
}

void Watcher::rethrow() const {
  if (failure_) std::rethrow_exception(failure_);
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

InterruptRoute::InterruptRoute() {
  if (!in_main_thread()) return;
  struct sigaction now {};
  ::sigaction(SIGINT, nullptr, &now);
  const bool pythons =
      now.sa_handler != SIG_IGN && now.sa_handler != SIG_DFL && (now.sa_flags & SA_SIGINFO) == 0;
  // A callback may call the library again; the handler is then already installed.
  if (!pythons || now.sa_handler == forward_interrupt) return;
  before = now;
  now.sa_handler = forward_interrupt;
  installed_ = ::sigaction(SIGINT, &now, nullptr) == 0;
}

InterruptRoute::~InterruptRoute() {
  if (!installed_) return;
  ::sigaction(SIGINT, &before, nullptr);
  try {
    check_interrupt();  // one after the last unit of work must not stop the next call
  } catch (const Interrupted&) {
  }
}

}  // namespace ompq::python
