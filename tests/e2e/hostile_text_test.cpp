#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/ompq.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/display_text.h"
#include "ompq/data/npz.h"
#include "ompq/onnx_io/exporter.h"
#include "support/graph_builder.h"

// Names, keys and fields come from strangers. Nothing of them may act on a terminal, fake a line of
// the output, or fill the screen.

namespace ompq::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::string_literals;

/// A colour, a new title, a cleared screen, a fake row, C1, bidirectional and zero-width marks; and
/// names of any length.
const std::vector<std::string>& attacks() {
  static const std::vector<std::string> texts{
      "a\nconv9   Conv   fake",
      "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x1b[H a\rb\tc\x08\x7f \xc2\x9b"
      "31m \xe2\x80\xae"
      "evil\xe2\x81\xa6 z\xe2\x80\x8bw\xef\xbb\xbf \xe2\x80\xa8line",
      std::string(50'000, 'n')};
  return texts;
}

/// What keeps `text` from being shown as it is; "" if nothing does.
std::string danger_of(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (!point.valid || (is_control(point.value) && point.value != '\n')) {
      return display_text(text.substr(0, 60));
    }
    text.remove_prefix(point.bytes);
  }
  return "";
}

class HostileText : public ::testing::Test {
 protected:
  TemporaryDirectory folder_;

  std::string path(const std::string& name) { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return path(name);
  }
  /// A network of which everything that has a name is called like this.
  std::string network(const std::string& name) {
    GraphBuilder builder(name);
    auto x = builder.input(
        name + " in",
        {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
    x = builder.conv(name, x, {.out = 4, .kernel = 3, .bias = true});
    x = builder.relu(name + " relu", x);
    x = builder.flatten(name + " flat", builder.global_average_pool(name + " pool", x));
    graph::Graph graph = builder.finish({builder.gemm(name + " fc", x, 6)});
    graph.metadata[name + " key"] = name + " value";
    onnx_io::export_onnx(graph, path("net.onnx"));
    return path("net.onnx");
  }
  /// An archive with two arrays called like this.
  std::string arrays(const std::string& name) {
    const std::string first(name.size() + 1, 'q');
    const std::string second(name.size() + 1, 'r');
    const Tensor array(DataType::Float32, {4, 9, 9});
    data::write_npz(folder_ / "a.npz", {{first, array}, {second, array}});
    std::string bytes = read_file(folder_ / "a.npz");  // the writer refuses such names
    for (const auto& [own, other] : {std::pair(first, name + "1"), std::pair(second, name + "2")}) {
      for (std::size_t at = bytes.find(own); at != std::string::npos; at = bytes.find(own)) {
        bytes.replace(at, own.size(), other);
      }
    }
    return write("a.npz", bytes);
  }
  /// Runs the program and checks all that it prints.
  ProgramResult checked(const std::vector<std::string>& arguments) {
    ProgramResult result = ompq(arguments);
    EXPECT_EQ(danger_of(result.output), "") << arguments[0];
    EXPECT_EQ(danger_of(result.error), "") << arguments[0];
    return result;
  }
  /// The same for a command that fails. @return its message.
  std::string refused(const std::vector<std::string>& arguments, int status = 3) {
    const ProgramResult result = checked(arguments);
    EXPECT_EQ(result.status, status) << result.error;
    EXPECT_LT(result.error.size(), 2000U) << arguments[0];
    EXPECT_EQ(result.error.find("bug in ompq"), std::string::npos) << result.error;
    return result.error;
  }
};

TEST_F(HostileText, OfNodesInputsAndMetadataIsShownEscaped) {
  for (const std::string& attack : attacks()) {
    SCOPED_TRACE(display_name(attack));
    const std::string model = network(attack);
    const ProgramResult shown = checked({"inspect", model});
    EXPECT_EQ(shown.status, 0) << shown.error;
    EXPECT_LT(shown.output.size(), 5000U);
    // "conv9 Conv fake" is nowhere a line of its own.
    EXPECT_EQ(shown.output.find("\nconv9"), std::string::npos) << shown.output;
    const ProgramResult verbose = checked({"inspect", model, "--verbose"});
    EXPECT_EQ(verbose.error.find("\nconv9"), std::string::npos) << verbose.error;
    const ProgramResult json = checked({"inspect", model, "--json"});
    const auto document = nlohmann::json::parse(json.output);
    EXPECT_EQ(document["layers"][0]["name"], attack) << "the document has the name itself";
    EXPECT_NE(document["metadata"].dump().find(nlohmann::json(attack + " value").dump()),
              std::string::npos);
  }
}

TEST_F(HostileText, OfBytesThatAreNoTextIsEscapedToo) {
  std::string bytes = read_file(network("qqqqqqqq"));
  for (std::size_t at = bytes.find("qqqqqqqq"); at != std::string::npos;
       at = bytes.find("qqqqqqqq")) {
    bytes.replace(at, 8, "a\0\xff\x9b[m\xc3z", 8);
  }
  const std::string model = write("odd.onnx", bytes);
  const ProgramResult shown = checked({"inspect", model});
  EXPECT_EQ(shown.status, 0) << shown.error;
  EXPECT_THAT(shown.output, HasSubstr("a\\x00\\xff\\x9b[m\\xc3z"));
  const ProgramResult json = checked({"inspect", model, "--json"});
  EXPECT_TRUE(nlohmann::json::accept(json.output)) << json.output;
  data::write_npz(folder_ / "x.npz", {{"x", Tensor(DataType::Float32, {4, 9, 9})}});
  EXPECT_THAT(refused({"eval", model, "--data", path("x.npz"), "--reference", model}),
              HasSubstr("a\\x00\\xff"));
}

TEST_F(HostileText, OfNodesIsEscapedInErrorsAndProgress) {
  for (const std::string& attack : attacks()) {
    SCOPED_TRACE(display_name(attack));
    const std::string model = network(attack);
    (void)refused({"eval", model, "--data", arrays(attack), "--reference", model});
    Tensor x(DataType::Float32, {20, 3, 8, 8});
    for (std::size_t i = 0; i < x.mutable_data<float>().size(); ++i) {
      x.mutable_data<float>()[i] = static_cast<float>(i % 7) - 3;
    }
    data::write_npz(folder_ / "x.npz", {{"x", x}});
    const ProgramResult made = checked({"quantize",
                                        model,
                                        "--data",
                                        path("x.npz"),
                                        "--avg-bits",
                                        "4",
                                        "--method",
                                        "gptq",
                                        "--allocator",
                                        "uniform",
                                        "--explain",
                                        "--verbose",
                                        "-o",
                                        path("out.onnx")});
    EXPECT_EQ(made.status, 0) << made.error;
    EXPECT_EQ(made.output.find("\nconv9"), std::string::npos) << made.output;
    EXPECT_EQ(made.error.find("\nconv9"), std::string::npos) << made.error;
    (void)refused({"quantize",
                   model,
                   "--data",
                   path("x.npz"),
                   "--avg-bits",
                   "4",
                   "--pin",
                   "nothing=4",
                   "-o",
                   path("out.onnx")},
                  2);
  }
}

TEST_F(HostileText, InJsonFilesIsEscapedInErrors) {
  const std::string model = network("plain");
  data::write_npz(folder_ / "x.npz", {{"x", Tensor(DataType::Float32, {8, 3, 8, 8})}});
  const auto quantized_by = [&](const std::string& option, const std::string& file) {
    return std::vector<std::string>{"quantize",
                                    model,
                                    "--data",
                                    path("x.npz"),
                                    "--avg-bits",
                                    "4",
                                    option,
                                    file,
                                    "-o",
                                    path("o")};
  };
  for (const std::string& attack : attacks()) {
    SCOPED_TRACE(display_name(attack));
    const std::string quoted = nlohmann::json(attack).dump();
    const std::string layer =
        R"({"format": "ompq-allocation/2", "layers": [{"name": )" + quoted + "}]}";
    const std::string format = "{\"format\": " + quoted + "}";
    const std::string key = R"({"format": "ompq-preprocess/1", )" + quoted + ": 1}";
    const std::string twice = "{" + quoted + ": 1, " + quoted + ": 2}";
    for (const std::string& text : {layer, format, twice}) {
      auto arguments = quantized_by("--allocation", write("a.json", text));
      std::erase(arguments, "--avg-bits");
      std::erase(arguments, "4");
      (void)refused(arguments);
    }
    for (const std::string& text : {key, format, twice}) {
      (void)refused(quantized_by("--preprocess", write("p.json", text)));
    }
    for (const std::string& text : {format, twice}) {
      (void)refused({"report", write("r.json", text), "-o", path("page.html")});
    }
    const std::string csv =
        "layer,weight_bits,activation_bits,microseconds\n\"" + attack + "\",4,8,1\n";
    auto arguments = quantized_by("--latency-table", write("l.csv", csv));
    arguments.insert(arguments.end(), {"--latency", "5ms"});
    (void)refused(arguments);
  }
}

TEST_F(HostileText, InNamesOfFilesAndArgumentsIsEscaped) {
  for (const std::string& attack :
       {"\x1b[31m"s, "a\nb"s, "\xc2\x9b"s, "\xff\xfe"s, "\xe2\x80\xae"s, "\x7f"s}) {
    SCOPED_TRACE(display_name(attack));
    (void)refused({"inspect", path(attack)});
    (void)refused({"inspect", write(attack + ".onnx", "no network")});
    (void)refused({"report", write(attack + ".json", "[]"), "-o", path("page.html")});
    (void)refused({attack}, 2);
    (void)refused({"inspect", path("x"), "--" + attack}, 2);
    fs::create_directory(folder_ / (attack + " images"));
    (void)refused({"eval", shipped_model(), "--data", path(attack + " images")});
    write(attack + " images/labels.csv", "file,label\n" + attack + ".png,1\n");
    (void)refused({"eval", shipped_model(), "--data", path(attack + " images")});
  }
}

TEST_F(HostileText, NestedDeeplyIsRefusedWhereverJsonIsRead) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  const std::string model = network("plain");
  data::write_npz(folder_ / "x.npz", {{"x", Tensor(DataType::Float32, {8, 3, 8, 8})}});
  const std::vector<std::string> start{"quantize", model, "--data", path("x.npz"), "-o", path("o")};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), start.begin(), start.end());
    return more;
  };
  const std::string allocation =
      R"({"format": "ompq-allocation/2", "layers": [{"name": "plain", "weight_bits": )" + deep +
      "}]}";
  EXPECT_THAT(refused(with({"--allocation", write("a.json", allocation)})), HasSubstr("nested"));
  for (const std::string& text : {R"({"format": "ompq-preprocess/1", "scale": )" + deep + "}",
                                  R"({"image_processor_type": )" + deep + "}",
                                  R"({"pretrained_cfg": {"mean": )" + deep + "}}"}) {
    EXPECT_THAT(refused(with({"--avg-bits", "4", "--preprocess", write("p.json", text)})),
                HasSubstr("nested"));
  }
  const std::string result = R"({"format": "ompq-search/2", "model": )" + deep + "}";
  EXPECT_THAT(refused({"report", write("r.json", result), "-o", path("page.html")}),
              HasSubstr("nested"));
  // A number that no double is.
  for (const std::string& text : {R"({"format": "ompq-preprocess/1", "scale": 1e999})"s,
                                  R"({"format": "ompq-preprocess/1", "mean": [-1e999]})"s}) {
    EXPECT_THAT(refused(with({"--avg-bits", "4", "--preprocess", write("p.json", text)})),
                HasSubstr("out of range"));
  }
}

TEST_F(HostileText, InResultsDoesNotLeaveTheReportPage) {
  const std::string name = "</script><script>alert(1)</script><!-- \xe2\x80\xa8";
  const std::string model = network(name);
  Tensor x(DataType::Float32, {20, 3, 8, 8});
  for (std::size_t i = 0; i < x.mutable_data<float>().size(); ++i) {
    x.mutable_data<float>()[i] = static_cast<float>(i % 7) - 3;
  }
  data::write_npz(folder_ / "x.npz", {{"x", x}});
  const ProgramResult made = checked({"search",
                                      model,
                                      "--data",
                                      path("x.npz"),
                                      "--avg-bits",
                                      "4",
                                      "--allocator",
                                      "uniform",
                                      "--result",
                                      path("r.json"),
                                      "-o",
                                      path("bits.json")});
  ASSERT_EQ(made.status, 0) << made.error;
  EXPECT_EQ(danger_of(read_file(folder_ / "r.json")), "");
  EXPECT_EQ(danger_of(read_file(folder_ / "bits.json")), "");
  EXPECT_EQ(nlohmann::json::parse(read_file(folder_ / "bits.json"))["layers"][0]["name"], name);
  const ProgramResult page = checked({"report", path("r.json"), "-o", path("page.html")});
  if (page.status != 0) GTEST_SKIP() << page.error;
  const std::string html = read_file(folder_ / "page.html");
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_EQ(html.find("<!-- \xe2\x80\xa8"), std::string::npos);
}

}  // namespace
}  // namespace ompq::testing
