#include "ompq/runtime/thread_scope.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <omp.h>

#include "ompq/core/error.h"

namespace ompq::runtime {
namespace {

void set_threads(int threads) {
  if (omp_get_max_threads() != threads) omp_set_num_threads(threads);
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
}

}  // namespace

ThreadScope::ThreadScope(int threads) : before_(omp_get_max_threads()) { set_threads(threads); }

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
