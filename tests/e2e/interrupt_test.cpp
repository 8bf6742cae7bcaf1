#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "e2e/ompq.h"
#include "e2e/running_program.h"
#include "ompq/core/atomic_file.h"
#include "support/sanitizers.h"

namespace ompq::testing {
namespace {

std::vector<std::string> long_quantization(const TemporaryDirectory& folder) {
  return {OMPQ_PROGRAM,
          "quantize",
          shipped_model(),
          "--data",
          OMPQ_FASHION_MNIST,
          "--samples",
          "20000",
          "--avg-bits",
          "3",
          "--output",
          (folder / "out.onnx").string()};
}

/// 130, or what happened instead.
std::string status_text(int status) {
  return WIFEXITED(status) ? std::to_string(WEXITSTATUS(status))
                           : "signal " + std::to_string(WTERMSIG(status));
}

TEST(Interrupt, StopsWorkWithStatus130AndLeavesNoFile) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const TemporaryDirectory folder;
    RunningProgram program(long_quantization(folder), folder / "error");
    ASSERT_TRUE(program.wait_for_progress()) << program.error();
    program.interrupt(signal);
    EXPECT_EQ(status_text(program.wait()), "130") << signal << ": " << program.error();
    EXPECT_THAT(program.error(), ::testing::HasSubstr("stopped by the user"));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1)
        << "something besides its standard error was left";
  }
}

TEST(Interrupt, StopsTheProgramBeforeAndWhileItLoadsItsEngine) {
  for (const auto delay : {1ms, 20ms, 100ms, 200ms, 300ms}) {
    const TemporaryDirectory folder;
    RunningProgram program(long_quantization(folder), folder / "error");
    std::this_thread::sleep_for(delay);
    program.interrupt(SIGTERM);
    const std::string status = status_text(program.wait());
    // Before main(), the signal has its default action.
    const auto start = kIsSanitized ? 1000ms : 5ms;
    const bool too_early = delay < start && status == "signal " + std::to_string(SIGTERM);
    EXPECT_TRUE(status == "130" || too_early) << delay.count() << " ms: " << status;
  }
}

TEST(Interrupt, StopsWorkAlsoIfALibraryReplacedTheHandlers) {
  const TemporaryDirectory folder;
  std::vector<std::string> command = long_quantization(folder);
  const std::vector<std::string> preloaded{"/usr/bin/env", "LD_PRELOAD=" OMPQ_REPLACED_HANDLERS};
  command.insert(command.begin(), preloaded.begin(), preloaded.end());
  RunningProgram program(command, folder / "error");
  ASSERT_TRUE(program.wait_for_progress()) << program.error();
  program.interrupt(SIGHUP);
  EXPECT_EQ(status_text(program.wait()), "130") << program.error();
}

TEST(Interrupt, EndsAtOnceTheSecondTime) {
  const TemporaryDirectory folder;
  RunningProgram program(long_quantization(folder), folder / "error");
  ASSERT_TRUE(program.wait_for_progress()) << program.error();
  const auto began = std::chrono::steady_clock::now();
  program.interrupt();
  std::this_thread::sleep_for(600ms);
  program.interrupt();
  EXPECT_EQ(status_text(program.wait()), "130");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST(Interrupt, DuringMatrixProductsDoesNotDisturbThem) {
  // A handler on a thread that runs oneDNN's kernels for AVX-512 overwrites the heap.
  const TemporaryDirectory folder;
  const fs::path journal = folder / "out.onnx.journal";
  std::vector<std::string> command = long_quantization(folder);
  *std::ranges::find(command, "20000") = "16";
  command.insert(command.end(), {"--allocator", "uniform", "--threads", "1"});
  RunningProgram first(command, folder / "error");
  ASSERT_TRUE(first.wait_for_lines(journal, 6)) << first.error();
  first.kill_at_once();
  first.wait();
  const std::string four_layers = read_file(journal);
  for (int trial = 0; trial < 8; ++trial) {
    write_file_atomically(journal, four_layers);
    RunningProgram program(command, folder / "error");
    ASSERT_TRUE(program.wait_for_text("reconstruction 4/22")) << program.error();
    std::this_thread::sleep_for(trial * 50ms);
    program.interrupt();
    EXPECT_EQ(status_text(program.wait()), "130") << trial << ": " << program.error();
  }
}

}  // namespace
}  // namespace ompq::testing
