#pragma once

#include <exception>

#include <pybind11/pybind11.h>
#include <signal.h>

#include "ompq/core/progress.h"

namespace ompq::python {

/// Takes what work tells to a Python callable. An exception that it raises, or that a signal's
/// handler raises meanwhile (KeyboardInterrupt), ends the work and is kept for the caller.
class Watcher {
 public:
  /// @param callable  called with (task, done, total, detail); None: nothing is called.
  explicit Watcher(pybind11::object callable) : callable_(std::move(callable)) {}

  /// From a thread without the interpreter lock. @throws Interrupted after such an exception.
  void show(const ProgressEvent& event);
  /// With the lock: throws what was kept, or what a signal that came since raises. Otherwise does
  /// nothing.
  void rethrow() const;

 private:
  void call(const ProgressEvent& event) const;

  pybind11::object callable_;
  std::exception_ptr failure_;
};

/// For its lifetime, Ctrl-C also asks the library to stop at its next unit of work; Python then
/// raises KeyboardInterrupt as usual. Only in the main thread, the one that Python tells of
/// signals; elsewhere it does nothing. To be made with the interpreter lock.
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
