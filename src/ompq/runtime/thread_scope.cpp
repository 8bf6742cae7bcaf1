#include "ompq/runtime/thread_scope.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <omp.h>

#include "ompq/core/error.h"
#include "ompq/core/out_of_memory.h"

namespace ompq::runtime {
namespace {

/// Starts as many threads as the two pools for `threads` (OpenMP's and LibTorch's) have, and ends
/// them: if the system refuses, OpenMP ends the process, and LibTorch waits forever.
/// @throws OutOfMemory
void require_threads(int threads) {
  static std::atomic<int> possible{1};
  if (threads <= possible.load()) return;
  std::promise<void> ended;
  const std::shared_future<void> end = ended.get_future().share();
  std::vector<std::jthread> started;
  try {
    for (int t = 0; t < 2 * threads; ++t) started.emplace_back([end] { end.wait(); });
  } catch (const std::system_error&) {
    ended.set_value();
    throw out_of_threads();
  }
  ended.set_value();
  possible.store(threads);
}

void set_threads(int threads) {
  if (omp_get_max_threads() != threads) omp_set_num_threads(threads);
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
}

}  // namespace

ThreadScope::ThreadScope(int threads) : before_(omp_get_max_threads()) {
  require_threads(std::max(threads, before_));
  set_threads(threads);
}

ThreadScope::~ThreadScope() { set_threads(before_); }

int resolved_threads(int threads) {
  if (threads < 0) {
    throw ConfigError(
        "runtime",
        fmt::format("the number of threads is {}; use 1 or more, or 0 for all cores", threads));
  }
  return threads == 0 ? omp_get_num_procs() : threads;
}

}  // namespace ompq::runtime
