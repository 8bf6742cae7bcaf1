#include "ompq/core/shell_command.h"

#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "ompq/core/error.h"
#include "ompq/progress.h"

namespace ompq {
namespace {

using ::testing::EndsWith;
using ::testing::Lt;
using ::testing::SizeIs;

TEST(RunShellCommand, GivesStatusAndOutput) {
  const FinishedCommand finished = run_shell_command("printf 'a\\nb'; exit 3");
  EXPECT_EQ(finished.output, "a\nb");
  EXPECT_TRUE(WIFEXITED(finished.status));
  EXPECT_EQ(WEXITSTATUS(finished.status), 3);
}

TEST(RunShellCommand, HasNoInput) { EXPECT_EQ(run_shell_command("cat; echo end").output, "end\n"); }

TEST(RunShellCommand, KeepsTheEndOfALongOutput) {
  const FinishedCommand finished = run_shell_command("yes | head -c 1000000; echo last");
  EXPECT_THAT(finished.output, SizeIs(Lt(200'000U)));
  EXPECT_THAT(finished.output, EndsWith("last\n"));
}

/// The first ignores SIGTERM, and so does what it starts; the second has closed its output.
TEST(RunShellCommand, EndsWithAnInterruptOfThisProgram) {
  for (const char* line : {"trap '' TERM; sleep 60; sleep 60", "exec >&-; sleep 60"}) {
    const auto begin = std::chrono::steady_clock::now();
    std::thread user([] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      request_interrupt();
    });
    EXPECT_THROW((void)run_shell_command(line), Interrupted) << line;
    user.join();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << line;
  }
}

}  // namespace
}  // namespace ompq
