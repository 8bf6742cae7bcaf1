#pragma once

#include <exception>
#include <mutex>

namespace ompq {

/// Keeps the first exception of several threads: one that leaves an OpenMP region ends the program.
///
///     FirstFailure failure;
///     #pragma omp parallel for
///     for (...) failure.guard([&] { ... });
///     failure.rethrow();
class FirstFailure {
 public:
  template <typename Work>
  void guard(const Work& work) noexcept {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }
  /// After the region. @throws the first exception, if there was one.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace ompq
