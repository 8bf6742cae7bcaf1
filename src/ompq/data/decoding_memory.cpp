#include "ompq/data/decoding_memory.h"

#include <condition_variable>
#include <mutex>

#include "ompq/core/memory_limit.h"

namespace ompq::data {
namespace {

/// Shared by all threads of the process.
struct Reservations {
  std::mutex mutex;
  std::condition_variable changed;
  std::int64_t bytes = 0;
};

Reservations& reservations() {
  static Reservations all;
  return all;
}

thread_local DecodingMemory* current_scope = nullptr;

}  // namespace

DecodingMemory::DecodingMemory() : is_outermost_(current_scope == nullptr) {
  if (is_outermost_) current_scope = this;
}

DecodingMemory::~DecodingMemory() {
  if (!is_outermost_) return;
  current_scope = nullptr;
  if (bytes_ == 0) return;
  Reservations& all = reservations();
  {
    const std::lock_guard lock(all.mutex);
    all.bytes -= bytes_;
  }
  all.changed.notify_all();
}

void DecodingMemory::reserve(std::int64_t bytes) {
  if (current_scope == nullptr || bytes <= 0) return;
  Reservations& all = reservations();
  std::unique_lock lock(all.mutex);
  // A scope that waits while it holds memory could wait for one that does the same.
  const bool holds_some = current_scope->bytes_ > 0;
  all.changed.wait(lock, [&] {
    return holds_some || all.bytes == 0 || saturated_sum(all.bytes, bytes) <= memory_limit();
  });
  all.bytes += bytes;
  current_scope->bytes_ += bytes;
}

std::int64_t DecodingMemory::reserved() {
  Reservations& all = reservations();
  const std::lock_guard lock(all.mutex);
  return all.bytes;
}

}  // namespace ompq::data
