#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "e2e/ompq.h"
#include "ompq/core/atomic_file.h"
#include "support/sanitizers.h"

// What the system refuses: memory, threads, disk, and the standard streams. The status says so, the
// message names the limit, and nothing is blamed on ompq.

namespace ompq::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class SystemLimits : public ::testing::Test {
 protected:
  TemporaryDirectory folder_;

  std::string path(const std::string& name) { return (folder_ / name).string(); }
  /// Runs this command in a shell in which `limits` were set; $OMPQ is the program.
  ProgramResult shell(const std::string& limits, const std::string& arguments) {
    return run_program({"/bin/bash",
                        "-c",
                        fmt::format("export OMPQ='{}' OUT='{}'; {}\n\"$OMPQ\" {}",
                                    OMPQ_PROGRAM,
                                    folder_.path().string(),
                                    limits,
                                    arguments)});
  }
  std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  static std::string quantization(const std::string& more = "") {
    return fmt::format(
        "quantize '{}' --data {} --avg-bits 3 --allocator uniform --beside none --method nearest "
        "--samples 8 --limit 8 --output \"$OUT/out.onnx\" {}",
        shipped_model(),
        OMPQ_FASHION_MNIST,
        more);
  }
  /// The message is in the user's words.
  static void expect_no_blame(const ProgramResult& result) {
    for (const char* word :
         {"bug in ompq", "exception", "std::", "c10", "bad_alloc", "terminate"}) {
      EXPECT_THAT(result.error, Not(HasSubstr(word)));
    }
  }
};

TEST_F(SystemLimits, OnFileSizesAreErrorsThatLeaveNothing) {
  const std::string model = shipped_model();
  const std::string data = OMPQ_FASHION_MNIST;
  const std::vector<std::string> commands{
      quantization(),
      fmt::format("eval '{}' --data {} --limit 2000 --save-outputs \"$OUT/o.npz\"", model, data),
      fmt::format("latency-table '{}' --output \"$OUT/t.csv\"", model)};
  for (const std::string& command : commands) {
    const ProgramResult result = shell("ulimit -f 1", command);
    EXPECT_EQ(result.status, 3) << command << "\n" << result.error;
    EXPECT_THAT(result.error, HasSubstr("File too large")) << command;
    expect_no_blame(result);
    EXPECT_EQ(files(), std::vector<std::string>{}) << command;
  }
  // A journal keeps what was finished before its next line met the limit.
  const ProgramResult stopped =
      shell("ulimit -f 1",
            fmt::format("compare '{}' --data {} --avg-bits 3 --allocators uniform,size-only "
                        "--random 0 --samples 8 --limit 8 --journal \"$OUT/j\" --result "
                        "\"$OUT/r.json\"",
                        model,
                        data));
  EXPECT_EQ(stopped.status, 3) << stopped.error;
  EXPECT_THAT(stopped.error, HasSubstr("File too large"));
  expect_no_blame(stopped);
  EXPECT_EQ(files(), std::vector<std::string>{"j"});
}

TEST_F(SystemLimits, OnTheAddressSpaceAreReportedAsLackOfMemory) {
  OMPQ_NEEDS_PLAIN_MEMORY();
  int refused = 0;
  for (const int megabytes : {60, 150, 300, 450, 600, 800, 1000}) {
    const ProgramResult result =
        shell(fmt::format("ulimit -c 0; ulimit -v {}", megabytes * 1024), quantization());
    const bool loader = result.status == 127;  // the program itself was not started
    EXPECT_TRUE(result.status == 0 || result.status == 3 || loader)
        << megabytes << " MB: status " << result.status << "\n"
        << result.error;
    if (result.status == 0 || loader) continue;
    ++refused;
    EXPECT_THAT(result.error, AllOf(HasSubstr("memory"), HasSubstr("ulimit -v"))) << megabytes;
    expect_no_blame(result);
    EXPECT_EQ(files(), std::vector<std::string>{}) << megabytes;
  }
  EXPECT_GE(refused, 2) << "no limit was low enough";
}

TEST_F(SystemLimits, OnThreadsAreNamed) {
  OMPQ_NEEDS_PLAIN_MEMORY();
  const ProgramResult result =
      shell("ulimit -c 0; ulimit -v 100000000", quantization("--threads 1000"));
  EXPECT_TRUE(result.status == 0 || result.status == 3) << result.status << "\n" << result.error;
  expect_no_blame(result);
}

TEST_F(SystemLimits, OnTheStackAreRaisedOrNamed) {
  OMPQ_NEEDS_PLAIN_MEMORY();
  // A soft limit may be raised by every program, a hard one only by root.
  const ProgramResult raised = shell("ulimit -S -s 64", quantization("--threads 2"));
  EXPECT_EQ(raised.status, 0) << raised.error;
  EXPECT_EQ(shell("ulimit -s 1024", quantization("--threads 2")).status, 0);
  fs::remove(path("out.onnx"));
  const ProgramResult refused = shell("ulimit -s 64", quantization("--threads 2"));
  EXPECT_EQ(refused.status, 3) << refused.error;
  EXPECT_THAT(refused.error,
              HasSubstr("the limit on the stack is 64 KiB (ulimit -s), and ompq needs 1024 KiB"));
  expect_no_blame(refused);
  EXPECT_FALSE(fs::exists(path("out.onnx")));
}

TEST_F(SystemLimits, TemporaryFolderThatIsMissingIsNamed) {
  const std::string caching = fmt::format(
      "quantize '{}' --data {} --avg-bits 3 --allocator uniform --beside none --method gptq "
      "--memory 16MiB --samples 8 --tuning-samples 256 --limit 8 --output \"$OUT/out.onnx\"",
      shipped_model(),
      OMPQ_FASHION_MNIST);
  const ProgramResult result = shell("export TMPDIR=/nowhere/at/all", caching);
  EXPECT_EQ(result.status, 3) << result.error;
  EXPECT_THAT(result.error, HasSubstr("/nowhere/at/all"));
  expect_no_blame(result);
  EXPECT_EQ(files(), std::vector<std::string>{"out.onnx.journal"}) << "it keeps the bit-widths";
}

TEST_F(SystemLimits, NumbersBeyondDoubleAreBadInput) {
  const auto written = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return path(name);
  };
  const std::string model = shipped_model();
  const std::string data = OMPQ_FASHION_MNIST;
  const std::string bits =
      written("bits.json", R"({"format": "ompq-allocation/2", "layers": [{"bits": 1e999}]})");
  const std::string preprocess =
      written("p.json", R"({"format": "ompq-preprocess/1", "channels": "gray", "scale": 1e999})");
  const std::string result = written("run.json", R"({"format": "ompq-search/2", "layers": 1e999})");
  const std::string table = written("table.csv", "layer,8/8\nconv1,1e999\n");
  const std::string start = fmt::format("'{}' --data {} --samples 8 ", model, data);
  const std::vector<std::string> commands{
      fmt::format("quantize {} --allocation {} --output \"$OUT/o.onnx\"", start, bits),
      fmt::format("eval '{}' --data {} --preprocess {}", model, data, preprocess),
      fmt::format("search {} --latency 1ms --latency-table {}", start, table),
      fmt::format("report {} --output \"$OUT/page.html\"", result)};
  for (const std::string& command : commands) {
    const ProgramResult refused = shell("", command);
    EXPECT_EQ(refused.status, 3) << command << "\n" << refused.error;
    expect_no_blame(refused);
  }
}

class StandardStreams : public SystemLimits {
 protected:
  /// The file of a run whose streams can be written.
  std::string expected() {
    const ProgramResult result = shell("", quantization());
    EXPECT_EQ(result.status, 0) << result.error;
    return taken();
  }
  /// The written file, which is removed.
  std::string taken() {
    std::string bytes = read_file(path("out.onnx"));
    fs::remove(path("out.onnx"));
    return bytes;
  }
};

TEST_F(StandardStreams, StandardErrorThatCannotBeWrittenChangesNothing) {
  const std::string bytes = expected();
  for (const char* stream : {"2>/dev/full", "2>&-", "2>&- --verbose", "2>/dev/full --verbose"}) {
    const ProgramResult result = shell("", quantization(stream));
    EXPECT_EQ(result.status, 0) << stream;
    EXPECT_THAT(result.output, HasSubstr("bits/weight")) << stream;
    EXPECT_EQ(taken(), bytes) << stream;
  }
}

TEST_F(StandardStreams, StandardOutputThatCannotBeWrittenCostsOnlyTheText) {
  const std::string bytes = expected();
  for (const char* stream : {">/dev/full", ">&-", ">/dev/full --json", "<&- >&-"}) {
    const ProgramResult result = shell("", quantization(stream));
    EXPECT_EQ(result.status, 3) << stream << "\n" << result.error;
    EXPECT_THAT(result.error, HasSubstr("[standard output] cannot be written")) << stream;
    expect_no_blame(result);
    EXPECT_EQ(taken(), bytes) << stream;
  }
  EXPECT_EQ(shell("", quantization(">&- 2>&-")).status, 3);
  EXPECT_EQ(taken(), bytes) << "messages went into the file";
}

TEST_F(StandardStreams, PipeThatIsClosedCostsOnlyTheText) {
  const std::string bytes = expected();
  const ProgramResult result = shell("", quantization("--json --verbose 2>&1 | true"));
  EXPECT_EQ(result.status, 0) << "of 'true'";
  // The shell waits for both.
  EXPECT_EQ(taken(), bytes);
}

TEST_F(StandardStreams, ErrorsKeepTheirStatusWithoutThem) {
  EXPECT_EQ(shell("", "inspect /none.onnx >&- 2>&-").status, 3);
  EXPECT_EQ(shell("", "inspekt >/dev/full 2>/dev/full").status, 2);
  EXPECT_EQ(shell("",
                  fmt::format("search '{}' --data {} --size 1kB --samples 8 2>&-",
                              shipped_model(),
                              OMPQ_FASHION_MNIST))
                .status,
            4);
}

}  // namespace
}  // namespace ompq::testing
