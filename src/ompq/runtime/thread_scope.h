#pragma once

namespace ompq::runtime {

/// Sets the number of threads of OpenMP (used by oneDNN) and LibTorch, and restores it at the end
/// of the scope.
class ThreadScope {
 public:
  explicit ThreadScope(int threads);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

/// `threads`, or the cores that this process may use for 0. @throws ConfigError below 0.
[[nodiscard]] int resolved_threads(int threads);

}  // namespace ompq::runtime
