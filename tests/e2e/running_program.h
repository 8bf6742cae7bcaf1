#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "ompq/core/atomic_file.h"

extern char** environ;

namespace ompq::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// The program at work, its standard error in a file.
class RunningProgram {
 public:
  RunningProgram(std::vector<std::string> command, const fs::path& error) : error_(error) {
    std::vector<char*> words;
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(
        &actions, 2, error.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    // Where the tests run in the background, the shell has made SIGINT ignored for all of them;
    // 'nohup' does so with SIGHUP.
    sigset_t handled;
    sigemptyset(&handled);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&handled, signal);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setsigdefault(&attributes, &handled);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (::posix_spawn(&process_, words[0], &actions, &attributes, words.data(), environ) != 0) {
      throw std::runtime_error("cannot start " + command[0]);
    }
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }

  /// Waits until it has said something on standard error, which it does when work is under way.
  /// @return false where it ended before that.
  bool wait_for_progress() {
    while (fs::file_size(error_) == 0) {
      if (::waitpid(process_, &status_, WNOHANG) == process_) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  /// Waits until it has said this on standard error.
  /// @return false where it ended before that.
  bool wait_for_text(const std::string& text) {
    while (error().find(text) == std::string::npos) {
      if (::waitpid(process_, &status_, WNOHANG) == process_) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  /// Waits until `file` has at least so many lines.
  /// @return false where the program ended before that.
  bool wait_for_lines(const fs::path& file, std::ptrdiff_t lines) {
    const auto count = [&] {
      if (!fs::exists(file)) return std::ptrdiff_t{0};
      const std::string text = read_file(file);
      return std::count(text.begin(), text.end(), '\n');
    };
    while (count() < lines) {
      if (::waitpid(process_, &status_, WNOHANG) == process_) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  /// Waits until there is such a file.
  /// @return false where the program ended before that.
  bool wait_for_file(const fs::path& file) {
    while (!fs::exists(file)) {
      if (::waitpid(process_, &status_, WNOHANG) == process_) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }
  void interrupt(int signal = SIGINT) const { ::kill(process_, signal); }
  void kill_at_once() const { ::kill(process_, SIGKILL); }
  int wait() {
    ::waitpid(process_, &status_, 0);
    return status_;
  }
  [[nodiscard]] std::string error() const { return read_file(error_); }

 private:
  fs::path error_;
  pid_t process_ = 0;
  int status_ = 0;
};

}  // namespace ompq::testing
