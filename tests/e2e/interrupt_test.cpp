#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include "e2e/ompq.h"
#include "ompq/core/atomic_file.h"

extern char** environ;

namespace ompq::testing {
namespace {

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
    ::posix_spawn_file_actions_addopen(&actions, 2, error.c_str(), O_WRONLY | O_CREAT, 0600);
    // Where the tests run in the background, the shell has made SIGINT ignored for all of them.
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGINT);
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
  void interrupt() const { ::kill(process_, SIGINT); }
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

TEST(Interrupt, StopsWorkWithStatus130AndLeavesNoFile) {
  const TemporaryDirectory folder;
  RunningProgram program({OMPQ_PROGRAM,
                          "quantize",
                          shipped_model(),
                          "--data",
                          OMPQ_FASHION_MNIST,
                          "--samples",
                          "20000",
                          "--avg-bits",
                          "3",
                          "--output",
                          (folder / "out.onnx").string()},
                         folder / "error");
  ASSERT_TRUE(program.wait_for_progress()) << program.error();
  program.interrupt();
  const int status = program.wait();
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 130) << program.error();
  EXPECT_THAT(program.error(), ::testing::HasSubstr("stopped by the user"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1)
      << "something beside its standard error was left behind";
}

}  // namespace
}  // namespace ompq::testing
