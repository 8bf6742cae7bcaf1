#include "ompq/core/unfinished_file.h"

#include <array>
#include <atomic>
#include <climits>
#include <cstring>

#include <unistd.h>

namespace ompq {
namespace {

/// A signal handler may neither lock nor allocate: names are in fixed places, each with a flag.
struct NameSlot {
  std::atomic<bool> taken{false};
  std::atomic<bool> filled{false};
  std::array<char, PATH_MAX> name{};
};
static_assert(std::atomic<bool>::is_always_lock_free);

/// A network with external data is two files; a journal, a log and a checkpoint may be open, too.
constexpr std::size_t kNameSlots = 64;
std::array<NameSlot, kNameSlots> name_slots;

}  // namespace

UnfinishedFile::UnfinishedFile(const std::string& name) : spare_(name) {
  name_ = spare_.data();
  if (name.size() >= PATH_MAX) return;
  for (std::size_t i = 0; i < kNameSlots; ++i) {
    NameSlot& slot = name_slots[i];
    if (slot.taken.exchange(true)) continue;
    slot_ = static_cast<int>(i);
    name_ = slot.name.data();
    std::memcpy(name_, name.c_str(), name.size() + 1);
    slot.filled.store(true);
    return;
  }
}

UnfinishedFile::~UnfinishedFile() {
  if (slot_ < 0) return;
  NameSlot& slot = name_slots[static_cast<std::size_t>(slot_)];
  slot.filled.store(false);
  slot.taken.store(false);
}

void remove_unfinished_files() noexcept {
  for (NameSlot& slot : name_slots) {
    if (slot.filled.load()) (void)::unlink(slot.name.data());
  }
}

}  // namespace ompq
