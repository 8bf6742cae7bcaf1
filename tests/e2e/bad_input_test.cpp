#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "e2e/ompq.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/random.h"

// What a user sees who gives the program something it cannot use: where, which rule, which values,
// and the way out; the right exit status; and never a half-written file.

namespace ompq::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class BadInput : public ::testing::Test {
 protected:
  TemporaryDirectory folder_;

  std::string path(const std::string& name) { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return path(name);
  }
  /// Names of everything in the folder.
  std::vector<std::string> files_left() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  /// What `ompq search` writes for three bits everywhere.
  nlohmann::json uniform_allocation() {
    const auto made = ompq(on_fashion_mnist("search",
                                            shipped_model(),
                                            {"--samples",
                                             "8",
                                             "--avg-bits",
                                             "3",
                                             "--allocator",
                                             "uniform",
                                             "--beside",
                                             "none",
                                             "--output",
                                             path("bits.json")}));
    EXPECT_EQ(made.status, 0) << made.error;
    return nlohmann::json::parse(read_file(path("bits.json")));
  }
  ProgramResult quantize(const std::string& model,
                         const std::vector<std::string>& more,
                         const ProgramOptions& options = {}) {
    return quantize_to("out.onnx", model, more, options);
  }
  ProgramResult quantize_to(const std::string& target,
                            const std::string& model,
                            const std::vector<std::string>& more,
                            const ProgramOptions& options = {}) {
    std::vector<std::string> arguments{
        "--limit", "8", "--beside", "none", "--output", path(target)};
    if (std::ranges::find(more, "--samples") == more.end()) {
      arguments.insert(arguments.end(), {"--samples", "8"});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ompq(on_fashion_mnist("quantize", model, arguments), options);
  }
};

TEST_F(BadInput, MissingModelIsNamed) {
  const auto result = quantize(path("missing.onnx"), {"--avg-bits", "3"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.error, HasSubstr("missing.onnx"));
  EXPECT_TRUE(files_left().empty());
}

TEST_F(BadInput, TruncatedModelIsNoModel) {
  const std::string whole = read_file(shipped_model());
  for (const std::size_t kept : {std::size_t{0}, std::size_t{10}, whole.size() / 2}) {
    const std::string model = write("cut.onnx", whole.substr(0, kept));
    const auto result = quantize(model, {"--avg-bits", "3"});
    EXPECT_EQ(result.status, 3) << kept << " bytes: " << result.error;
    EXPECT_THAT(result.error, HasSubstr("cut.onnx")) << kept;
    EXPECT_EQ(files_left(), std::vector<std::string>{"cut.onnx"}) << kept;
  }
}

TEST_F(BadInput, RandomBytesAreNoModel) {
  Random random(5);
  for (int trial = 0; trial < 5; ++trial) {
    std::string bytes(1000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    const auto result = ompq({"inspect", write("noise.onnx", bytes)});
    EXPECT_EQ(result.status, 3) << trial << ": " << result.error;
    EXPECT_THAT(result.error, HasSubstr("noise.onnx")) << trial;
  }
}

TEST_F(BadInput, ImpossibleBudgetSaysTheLeastThatWouldDo) {
  const auto result = quantize(shipped_model(), {"--size", "10kB"});
  EXPECT_EQ(result.status, 4) << result.error;
  EXPECT_THAT(result.error,
              AllOf(HasSubstr("[allocation]"),
                    HasSubstr("below the least possible"),
                    HasSubstr("raise the budget")));
  EXPECT_TRUE(files_left().empty());
}

TEST_F(BadInput, OneSampleIsTooFew) {
  const auto result = quantize(shipped_model(), {"--avg-bits", "3", "--samples", "1"});
  EXPECT_EQ(result.status, 2) << result.error;
  EXPECT_THAT(result.error, HasSubstr("--samples"));
  EXPECT_TRUE(files_left().empty());
}

TEST_F(BadInput, AllocationWithAnUnknownLayerNamesTheNearestRealOne) {
  auto json = uniform_allocation();
  json["layers"][1]["name"] = json["layers"][1]["name"].get<std::string>() + "x";
  write("bits.json", json.dump());
  const auto result = quantize(shipped_model(), {"--allocation", path("bits.json")});
  EXPECT_EQ(result.status, 3) << result.error;
  EXPECT_THAT(result.error, AllOf(HasSubstr("layer1.0.conv1x"), HasSubstr("layer1.0.conv1'")));
  EXPECT_EQ(files_left(), std::vector<std::string>{"bits.json"});
}

TEST_F(BadInput, AllocationWithoutALayerNamesIt) {
  auto json = uniform_allocation();
  json["layers"].erase(0);
  write("bits.json", json.dump());
  const auto result = quantize(shipped_model(), {"--allocation", path("bits.json")});
  EXPECT_EQ(result.status, 3) << result.error;
  EXPECT_THAT(result.error, HasSubstr("conv1"));
}

TEST_F(BadInput, SampleOfAnotherShapeSaysBothShapes) {
  // The shipped networks want 28 x 28; arrays of floats are taken as they are.
  std::string npy("\x93NUMPY\x01\x00", 8);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 1, 9, 9), }";
  header.resize(118, ' ');
  header.back() = '\n';
  npy += std::string("\x76\x00", 2) + header + std::string(4 * 81 * 4, '\0');
  write("x.npy", npy);
  const auto result = ompq({"eval", shipped_model(), "--data", path("x.npy")});
  EXPECT_EQ(result.status, 3) << result.error;
  EXPECT_THAT(result.error, HasSubstr("x.npy"));
}

TEST_F(BadInput, EmptyImageIsNamedOrSkipped) {
  fs::create_directory(folder_ / "images");
  write("images/empty.png", "");
  const auto refused =
      ompq({"eval", shipped_model(), "--data", path("images"), "--reference", shipped_model()});
  EXPECT_EQ(refused.status, 3) << refused.error;
  EXPECT_THAT(refused.error, HasSubstr("empty.png"));
}

TEST_F(BadInput, TargetThatCannotBeWrittenLeavesNothing) {
  write("file", "not a folder");
  const auto result =
      quantize_to("file/out.onnx", shipped_model(), {"--avg-bits", "3", "--allocator", "uniform"});
  EXPECT_EQ(result.status, 3) << result.error;
  EXPECT_THAT(result.error, HasSubstr("file/out.onnx"));
  EXPECT_EQ(files_left(), std::vector<std::string>{"file"});
}

TEST_F(BadInput, TargetThatIsReadIsRefusedAndStays) {
  const std::string model = write("net.onnx", read_file(shipped_model()));
  fs::create_symlink("net.onnx", folder_ / "link.onnx");
  for (const std::string target : {"net.onnx", "link.onnx"}) {
    const auto result = quantize_to(target, model, {"--avg-bits", "3"});
    EXPECT_EQ(result.status, 2) << result.error;
    EXPECT_THAT(result.error, AllOf(HasSubstr(target), HasSubstr("MODEL")));
  }
  EXPECT_EQ(read_file(model), read_file(shipped_model()));
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.onnx"));
  EXPECT_EQ(files_left(), (std::vector<std::string>{"link.onnx", "net.onnx"}));
}

TEST_F(BadInput, TargetThatIsASampleOrPreprocessingIsRefusedAndStays) {
  fs::create_directories(folder_ / "images");
  write("images/a.png", "a picture");
  fs::create_hard_link(folder_ / "images" / "a.png", folder_ / "hard.onnx");
  const std::string model = write("net.onnx", read_file(shipped_model()));
  write("net.preprocess.json",
        read_file(fs::path(shipped_model()).replace_extension(".preprocess.json")));
  for (const char* target : {"images/a.png", "hard.onnx", "net.preprocess.json"}) {
    for (const char* option : {"--output", "--result"}) {
      std::vector<std::string> arguments{
          "quantize", model, "--data", path("images"), "--avg-bits", "3", option, path(target)};
      if (std::string_view(option) == "--result") {
        arguments.insert(arguments.end(), {"--output", path("out.onnx")});
      }
      const auto result = ompq(arguments);
      EXPECT_EQ(result.status, 2) << result.error;
      EXPECT_THAT(result.error, AllOf(HasSubstr(target), HasSubstr(option), HasSubstr("is read")));
    }
  }
  EXPECT_EQ(read_file(folder_ / "images" / "a.png"), "a picture");
}

TEST_F(BadInput, TargetThatIsALinkStaysOneAndItsFileIsReplaced) {
  fs::create_directory(folder_ / "store");
  write("store/bits.json", "old");
  fs::create_symlink("store/bits.json", folder_ / "bits.json");
  (void)uniform_allocation();
  EXPECT_TRUE(fs::is_symlink(folder_ / "bits.json"));
  EXPECT_TRUE(nlohmann::json::accept(read_file(folder_ / "store" / "bits.json")));
  EXPECT_EQ(files_left(), (std::vector<std::string>{"bits.json", "store"}));
}

TEST_F(BadInput, TargetThatIsNoFileIsRefusedBeforeTheWork) {
  fs::create_directory(folder_ / "results");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const std::string target : {"results", "pipe"}) {
    const auto result =
        quantize_to(target,
                    shipped_model(),
                    {"--avg-bits", "3", "--method", "brecq", "--iterations", "1000000"});
    EXPECT_EQ(result.status, 2) << result.error;
    EXPECT_THAT(result.error, HasSubstr(target));
  }
  EXPECT_TRUE(fs::is_fifo(folder_ / "pipe"));
  EXPECT_EQ(files_left(), (std::vector<std::string>{"pipe", "results"}));
}

TEST_F(BadInput, OneNameForTwoResultsIsRefused) {
  const auto result = quantize(shipped_model(), {"--avg-bits", "3", "--result", path("out.onnx")});
  EXPECT_EQ(result.status, 2) << result.error;
  EXPECT_THAT(result.error, AllOf(HasSubstr("--result"), HasSubstr("--output")));
  EXPECT_TRUE(files_left().empty());
}

/// What a user gets wrong, and what the answer names: the file or the option, never a part of ompq.
struct Mistake {
  std::vector<std::string> arguments;
  int status;
  std::vector<std::string> named;
};

TEST_F(BadInput, IsNamedInTheUsersWords) {
  const std::string model = shipped_model();
  const std::string broken = write("bits.json", "{\"format\": 3");
  const std::string typed =
      write("typed.json", "{\"format\": \"ompq-allocation/1\", \"layers\": [3]}");
  const std::string text = write("text.npz", "no archive");
  const std::string notes = write("net.onnx", "notes on a network, of some length");
  fs::create_directory(folder_ / "empty");
  const std::string out = path("out.onnx");
  const std::vector<Mistake> mistakes{
      {{"quantize", model, "--data", text, "--avg-bits", "3", "-o", out}, 3, {text, "expected"}},
      {{"quantize", model, "--data", path("empty"), "--avg-bits", "3", "-o", out}, 3, {"empty"}},
      {{"quantize", notes, "--data", text, "--avg-bits", "3", "-o", out},
       3,
       {notes, "not an ONNX model"}},
      {{"quantize", model, "--avg-bits", "3", "-o", out}, 2, {"--data"}},
      {{"quantize", model, "--data", text, "-o", out}, 2, {"--avg-bits", "--size"}},
      {{"quantize", model, "--data", text, "--avg-bits", "-3", "-o", out}, 2, {"'-3'", "1..8"}},
      {on_fashion_mnist("quantize", model, {"--allocation", broken, "-o", out}),
       3,
       {broken, "byte 12 of 12"}},
      {on_fashion_mnist("quantize", model, {"--allocation", typed, "-o", out}), 3, {typed}},
      {on_fashion_mnist("quantize", model, {"--avg-bits", "3", "--pin", "x=4", "-o", out}),
       2,
       {"'x'", "ompq inspect"}},
      {on_fashion_mnist("quantize", model, {"--avg-bits", "3", "-o", path("none/out.onnx")}),
       3,
       {"--output", "no folder"}},
      {on_fashion_mnist("quantize", model, {"--avg-bits", "3", "--time-limit", "0s", "-o", out}),
       2,
       {"--time-limit", "more than 0"}},
      {{"eval", model, "--data", text, "--reference", path("none.onnx")}, 3, {"none.onnx"}},
      {{"report", broken, "-o", path("page.html")}, 3, {broken}}};
  for (const Mistake& mistake : mistakes) {
    const ProgramResult result = ompq(mistake.arguments);
    EXPECT_EQ(result.status, mistake.status) << result.error;
    for (const std::string& word : mistake.named) EXPECT_THAT(result.error, HasSubstr(word));
    for (const char* part : {"bug in ompq", "exception", "::", "[ops]", "[sample cache]"}) {
      EXPECT_THAT(result.error, ::testing::Not(HasSubstr(part)));
    }
  }
}

TEST_F(BadInput, FullDiskLeavesTheOldFile) {
  const std::string old = write("out.onnx", "the old file");
  const auto result = quantize(shipped_model(),
                               {"--avg-bits", "3", "--allocator", "uniform", "--method", "nearest"},
                               {.file_limit = 16 * 1024});
  EXPECT_EQ(result.status, 3) << result.error;
  EXPECT_THAT(result.error, HasSubstr("out.onnx"));
  EXPECT_EQ(read_file(old), "the old file");
  EXPECT_EQ(files_left(), std::vector<std::string>{"out.onnx"});
}

}  // namespace
}  // namespace ompq::testing
