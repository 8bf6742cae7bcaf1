#include "ompq/core/machine_memory.h"

#include <algorithm>
#include <array>
#include <fstream>

#include <unistd.h>

namespace ompq {

std::int64_t machine_memory() {
  // As a container sees them: version 2 and version 1 of control groups. Without a limit the first
  // has the word "max", the second a number larger than any memory.
  constexpr std::array kLimits{"/sys/fs/cgroup/memory.max",
                               "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
  std::int64_t bytes =
      static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  for (const char* file : kLimits) {
    std::int64_t limit = 0;
    if (std::ifstream(file) >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

}  // namespace ompq
