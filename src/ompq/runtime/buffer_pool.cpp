#include "ompq/runtime/buffer_pool.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

#include <sys/mman.h>

#include "ompq/core/out_of_memory.h"

namespace ompq::runtime {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Below this, malloc caches freed blocks itself.
constexpr std::size_t kLeastPooled = std::size_t{64} << 10;
constexpr std::size_t kSmallAlignment = 4096;
// A block may be this many times larger than requested: activations get smaller with depth, and
// later ones should reuse the (cached) memory of earlier ones.
constexpr std::size_t kLargestExcess = 4;

struct Free {
  void operator()(void* block) const { std::free(block); }
};
using Block = std::unique_ptr<void, Free>;

std::size_t round_up(std::size_t bytes, std::size_t step) {
  return (bytes + step - 1) / step * step;
}

std::size_t block_size(std::size_t bytes) {
  return round_up(bytes, bytes >= kHugePage ? kHugePage : kSmallAlignment);
}

Block allocate(std::size_t size) {
  const bool huge = size >= kHugePage;
  Block block(std::aligned_alloc(huge ? kHugePage : kSmallAlignment, size));
  if (block == nullptr) throw out_of_memory("activations", static_cast<std::int64_t>(size));
  // Optional: without huge pages there are only more page faults.
  if (huge) (void)madvise(block.get(), size, MADV_HUGEPAGE);
  return block;
}

}  // namespace

struct BufferPool::Shelf {
  mutable std::mutex mutex;
  std::multimap<std::size_t, Block> idle;
  std::size_t idle_bytes = 0;
  std::size_t live_bytes = 0;

  std::pair<std::size_t, Block> take(std::size_t bytes) {
    const std::size_t wanted = block_size(bytes);
    const std::scoped_lock lock(mutex);
    const auto found = idle.lower_bound(wanted);
    if (found == idle.end() || found->first > wanted * kLargestExcess) {
      Block fresh = allocate(wanted);
      live_bytes += wanted;
      return {wanted, std::move(fresh)};
    }
    std::pair<std::size_t, Block> taken(found->first, std::move(found->second));
    idle.erase(found);
    idle_bytes -= taken.first;
    live_bytes += taken.first;
    return taken;
  }

  void give_back(std::size_t size, void* block) {
    const std::scoped_lock lock(mutex);
    live_bytes -= size;
    idle_bytes += size;
    idle.emplace(size, Block(block));
  }
};

BufferPool::BufferPool() : shelf_(std::make_shared<Shelf>()) {}

at::Tensor BufferPool::empty(at::IntArrayRef sizes, at::ScalarType type) {
  const auto options = at::TensorOptions().dtype(type);
  const auto format =
      sizes.size() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const auto bytes =
      static_cast<std::size_t>(c10::multiply_integers(sizes)) * c10::elementSize(type);
  if (bytes < kLeastPooled) return at::empty(sizes, options, format);
  auto [size, block] = shelf_->take(bytes);
  const auto return_block = [shelf = shelf_, size = size](void* memory) {
    shelf->give_back(size, memory);
  };
  void* memory = block.release();
  if (sizes.size() != 4) return at::from_blob(memory, sizes, return_block, options);
  return at::from_blob(
      memory, sizes, c10::get_channels_last_strides_2d(sizes), return_block, options);
}

std::size_t BufferPool::live_bytes() const {
  const std::scoped_lock lock(shelf_->mutex);
  return shelf_->live_bytes;
}

std::size_t BufferPool::idle_bytes() const {
  const std::scoped_lock lock(shelf_->mutex);
  return shelf_->idle_bytes;
}

}  // namespace ompq::runtime
