#include "stack_limit.h"

#include <algorithm>

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include "ompq/core/error.h"

namespace ompq::app {
namespace {

/// What Linux gives a program that asks for nothing.
constexpr rlim_t kUsualBytes = rlim_t{8} << 20;
/// A search takes between 128 and 192 KiB: libraries keep tables on the stack.
constexpr rlim_t kNeededBytes = rlim_t{1} << 20;

}  // namespace

void raise_stack_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= kUsualBytes) return;
  limit.rlim_cur = std::min(kUsualBytes, limit.rlim_max);
  static_cast<void>(::setrlimit(RLIMIT_STACK, &limit));
  if (::getrlimit(RLIMIT_STACK, &limit) != 0) return;
  if (limit.rlim_cur < kNeededBytes) {
    throw OutOfMemory("stack",
                      fmt::format("the limit on the stack is {} KiB (ulimit -s), and ompq needs {} "
                                  "KiB; raise it, for example with 'ulimit -s {}'",
                                  limit.rlim_cur >> 10,
                                  kNeededBytes >> 10,
                                  kUsualBytes >> 10));
  }
  // New threads get what the limit was when the program started.
  pthread_attr_t attributes;
  if (::pthread_getattr_default_np(&attributes) != 0) return;
  if (::pthread_attr_setstacksize(&attributes, limit.rlim_cur) == 0) {
    static_cast<void>(::pthread_setattr_default_np(&attributes));
  }
  ::pthread_attr_destroy(&attributes);
}

}  // namespace ompq::app
