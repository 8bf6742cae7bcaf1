#include "ompq/core/memory_budget.h"

#include <algorithm>
#include <atomic>

#include <malloc.h>

namespace ompq {
namespace {

std::atomic<std::int64_t> given_bytes{0};
std::atomic<std::int64_t> weight_bytes{0};
std::atomic<int> copies{kCopiesWhileLoading};

/// By default, glibc keeps freed blocks of up to 32 MiB in its heap, where they remain resident:
/// half of the peak of a run. Blocks of activations and weights are returned to the system instead.
void return_freed_blocks() {
#ifdef __GLIBC__
  constexpr int kLeastMapped = 256 << 10;
  constexpr int kMostFree = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, kLeastMapped);
  mallopt(M_TRIM_THRESHOLD, kMostFree);
#endif
}

}  // namespace

MemoryBudget::MemoryBudget(std::int64_t bytes, int weight_copies)
    : given_before_(given_bytes), weights_before_(weight_bytes), copies_before_(copies) {
  given_bytes = bytes;
  weight_bytes = 0;
  copies = weight_copies;
  if (bytes > 0) return_freed_blocks();
}

MemoryBudget::~MemoryBudget() {
  given_bytes = given_before_;
  weight_bytes = weights_before_;
  copies = copies_before_;
}

std::optional<std::int64_t> given_memory() {
  const std::int64_t bytes = given_bytes;
  return bytes > 0 ? std::optional(bytes) : std::nullopt;
}

int weight_copies() { return copies; }

std::int64_t add_weight_memory(std::int64_t bytes) { return weight_bytes += bytes; }

std::optional<std::int64_t> memory_part() {
  const auto given = given_memory();
  if (!given) return std::nullopt;
  return std::max<std::int64_t>(*given - weight_bytes, 0) / kMemoryParts;
}

}  // namespace ompq
