#include "ompq/core/shell_command.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
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

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

void end(pid_t group) {
  ::kill(-group, SIGTERM);
  const auto deadline = Clock::now() + kGrace;
  while (Clock::now() < deadline) {
    if (::waitpid(group, nullptr, WNOHANG) == group) {
      ::kill(-group, SIGKILL);  // what it left behind
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(-group, SIGKILL);
  wait_for(group);
}

}  // namespace

FinishedCommand run_shell_command(const std::string& line) {
  const SignalShieldGap gap;  // the command gets signals as usual
  const Started started = start(line);
  FinishedCommand finished;
  try {
    while (read_some(started.output, finished.output)) check_interrupt();
  } catch (...) {
    end(started.group);
    ::close(started.output);
    throw;
  }
  ::close(started.output);
  finished.status = wait_for(started.group);
  return finished;
}

}  // namespace ompq
