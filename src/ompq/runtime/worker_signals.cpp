#include "ompq/runtime/worker_signals.h"

#include <csignal>
#include <filesystem>
#include <iterator>
#include <system_error>

#include <omp.h>

namespace ompq::runtime {
namespace {

/// More threads than this one and the shield's receiver.
bool has_further_threads() {
  std::error_code unknown;
  const std::filesystem::directory_iterator threads("/proc/self/task", unknown);
  return unknown || std::distance(begin(threads), end(threads)) > 2;
}

}  // namespace

void shield_workers() {
  if (!has_further_threads()) return;
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
#pragma omp parallel num_threads(omp_get_max_threads())
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

}  // namespace ompq::runtime
