#pragma once

#include <exception>

#include <pybind11/pybind11.h>
#include <signal.h>

#include "ompq/core/progress.h"

namespace ompq::python {

/// Forwards progress to a Python callable. An exception raised by it, or by a signal handler in the
/// meantime (KeyboardInterrupt), ends the work and is kept for the caller.
class Watcher {
 public:
  /// @param callable  called with (task, done, total, detail); None: nothing is called.
  explicit Watcher(pybind11::object callable) : callable_(std::move(callable)) {}

  /// Called from a thread without the GIL. @throws Interrupted after such an exception.
  void show(const ProgressEvent& event);
  /// With the GIL: throws the kept exception, or that of a signal received since. Otherwise does
  /// nothing.
  void rethrow() const;

 private:
  void call(const ProgressEvent& event) const;

  pybind11::object callable_;
  std::exception_ptr failure_;
};

/// During its lifetime, Ctrl-C also asks the library to stop at its next unit of work; Python then
/// raises KeyboardInterrupt as usual. Only in the main thread, where Python handles signals;
/// elsewhere it does nothing. Construct with the GIL held.
class InterruptRoute {
 public:
  InterruptRoute();
  ~InterruptRoute();
  InterruptRoute(const InterruptRoute&) = delete;
  InterruptRoute& operator=(const InterruptRoute&) = delete;

 private:
  bool installed_ = false;
};

}  // namespace ompq::python
