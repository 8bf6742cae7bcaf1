#include "ompq/core/progress.h"

#include <atomic>

#include "ompq/core/error.h"
#include "ompq/core/time_limit.h"

namespace ompq {
namespace {
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);
}  // namespace

void request_interrupt() noexcept { interrupted.store(true); }

void check_interrupt() {
  if (interrupted.exchange(false)) throw Interrupted("interrupt", "stopped by the user");
  check_time_limit();
}

}  // namespace ompq
