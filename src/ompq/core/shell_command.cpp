#include "ompq/core/shell_command.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ompq/core/error.h"
#include "ompq/core/progress.h"
#include "ompq/core/signal_shield.h"

namespace ompq {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kPollMilliseconds = 100;
constexpr std::chrono::seconds kGrace{1};

[[noreturn]] void refuse_start(int code) {
  throw FileError("command", fmt::format("cannot be started: {}", std::strerror(code)));
}

/// The read end of a pipe from the standard output of `line`'s process group.
struct Started {
  pid_t group = -1;
  int output = -1;
};

Started start(const std::string& line) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) refuse_start(errno);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // to end what it starts, too
  ::posix_spawnattr_setpgroup(&attributes, 0);
  std::string shell = "sh";
  std::string option = "-c";
  std::string text = line;
  const std::array<char*, 4> words{shell.data(), option.data(), text.data(), nullptr};
  Started started{.output = ends[0]};
  const int code =
      ::posix_spawn(&started.group, "/bin/sh", &actions, &attributes, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  ::close(ends[1]);
  if (code != 0) {
    ::close(ends[0]);
    refuse_start(code);
  }
  return started;
}

/// False at the end of the output.
bool read_some(int file, std::string& output) {
  pollfd waiting{.fd = file, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, kPollMilliseconds) <= 0) return true;
  std::array<char, 4096> part{};
  const ssize_t count = ::read(file, part.data(), part.size());
  if (count < 0) return errno == EINTR;
  output.append(part.data(), static_cast<std::size_t>(count));
  // A command that prints without end must not take all memory.
  constexpr std::size_t kKept = 1 << 16;
  if (output.size() > 2 * kKept) output.erase(0, output.size() - kKept);
  return count > 0;
}

/// The status of a process that has ended.
std::optional<int> ended(pid_t process) {
  int status = 0;
  if (::waitpid(process, &status, WNOHANG) == process) return status;
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return std::nullopt;
}

void end(pid_t group) {
  ::kill(-group, SIGTERM);
  const auto deadline = Clock::now() + kGrace;
  bool gone = false;
  while (!gone && Clock::now() < deadline) gone = ended(group).has_value();
  ::kill(-group, SIGKILL);  // also what it left running
  while (!gone) gone = ended(group).has_value();
}

}  // namespace

FinishedCommand run_shell_command(const std::string& line) {
  const SignalShieldGap gap;  // the command gets signals as usual
  const Started started = start(line);
  FinishedCommand finished;
  try {
    while (read_some(started.output, finished.output)) check_interrupt();
    // It may have closed its output and still run.
    std::optional<int> status;
    while (!(status = ended(started.group))) check_interrupt();
    finished.status = *status;
  } catch (...) {
    end(started.group);
    ::close(started.output);
    throw;
  }
  ::close(started.output);
  return finished;
}

}  // namespace ompq
