#include "standard_streams.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ompq/core/error.h"

namespace ompq::app {

void open_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is this one. A stream that was closed stays unwritable, so that a lost
    // result is reported as for a full disk.
    (void)::open("/dev/null", O_RDONLY);
  }
}

void write_if_possible(std::FILE* stream, std::string_view text) noexcept {
  (void)std::fwrite(text.data(), 1, text.size(), stream);
  (void)std::fflush(stream);
}

void write_output(std::string_view text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw FileError(
      "standard output",
      fmt::format("cannot be written: {}; files that were asked for are complete; redirect the "
                  "output to another file, or free some space",
                  std::strerror(errno == 0 ? EIO : errno)));
}

}  // namespace ompq::app
