#include "ompq/core/out_of_memory.h"

#include <fstream>
#include <string>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/machine_memory.h"

namespace ompq {
namespace {

/// Address space of this process in bytes; nullopt if the system does not say.
std::optional<std::int64_t> address_space() {
  std::int64_t pages = 0;
  if (!(std::ifstream("/proc/self/statm") >> pages)) return std::nullopt;
  return pages * static_cast<std::int64_t>(::sysconf(_SC_PAGESIZE));
}

/// Peak resident memory in bytes.
std::int64_t peak_memory() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

/// The limit that was reached: an address space limit, or the machine's memory.
std::string limit_text() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const auto used = address_space();
    return fmt::format("the limit on the address space is {} (ulimit -v), of which {} are used",
                       format_bytes(static_cast<std::int64_t>(limit.rlim_cur)),
                       used ? format_bytes(*used) : "an unknown part");
  }
  return fmt::format("ompq used up to {}, and the machine has {}",
                     format_bytes(peak_memory()),
                     format_bytes(machine_memory()));
}

}  // namespace

OutOfMemory out_of_memory(std::string_view where, std::optional<std::int64_t> needed_bytes) {
  return {where,
          fmt::format("there is not enough memory{}: {}; use a smaller --batch or fewer --samples, "
                      "or allow more memory",
                      needed_bytes ? fmt::format(" for {} more", format_bytes(*needed_bytes)) : "",
                      limit_text())};
}

OutOfMemory out_of_threads() {
  return {"threads",
          "the system does not start another thread: a limit on threads or on memory was reached; "
          "use fewer with --threads, or raise the limit (ulimit -u, ulimit -v)"};
}

}  // namespace ompq
