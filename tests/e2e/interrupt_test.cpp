#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "e2e/ompq.h"
#include "e2e/running_program.h"
#include "ompq/core/atomic_file.h"

namespace ompq::testing {
namespace {

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
      << "something besides its standard error was left";
}

}  // namespace
}  // namespace ompq::testing
