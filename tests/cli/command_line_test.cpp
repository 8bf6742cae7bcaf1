#include "command_line.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::variant<CommandRequest, Answer> parse(const std::vector<std::string>& words) {
  std::vector<const char*> argv{"ompq"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_command_line(static_cast<int>(argv.size()), argv.data());
}

CommandRequest request(const std::vector<std::string>& words) {
  return std::get<CommandRequest>(parse(words));
}

std::string refusal(const std::vector<std::string>& words) {
  try {
    static_cast<void>(parse(words));
  } catch (const ConfigError& error) {
    return error.what();
  }
  ADD_FAILURE() << "was accepted: " << ::testing::PrintToString(words);
  return "";
}

TEST(CommandLine, FillsInValuesAndDefaults) {
  const CommandRequest asked = request({"quantize",
                                        "m.onnx",
                                        "--data",
                                        "images",
                                        "--avg-bits=3.5",
                                        "-o",
                                        "out.onnx",
                                        "-n32",
                                        "--mean",
                                        "-1,0,1",
                                        "--json"});
  EXPECT_EQ(asked.command, "quantize");
  EXPECT_EQ(asked.values.text("MODEL"), "m.onnx");
  EXPECT_EQ(asked.values.text("data"), "images");
  EXPECT_EQ(asked.values.number("avg-bits"), 3.5);
  EXPECT_EQ(asked.values.text("output"), "out.onnx");
  EXPECT_EQ(asked.values.integer("samples"), 32);
  EXPECT_THAT(asked.values.numbers("mean"), ElementsAre(-1, 0, 1));
  EXPECT_TRUE(asked.values.flag("json"));
  EXPECT_FALSE(asked.values.flag("quiet"));
  EXPECT_THAT(asked.values.texts("act-bits"), ElementsAre("8"));
  EXPECT_FALSE(asked.values.has("size"));
}

TEST(CommandLine, TakesOptionsBeforeAndBehindOperands) {
  const CommandRequest asked = request({"inspect", "-j", "4", "m.onnx", "--seed", "7"});
  EXPECT_EQ(asked.values.text("MODEL"), "m.onnx");
  EXPECT_EQ(asked.values.integer("threads"), 4);
  EXPECT_EQ(asked.values.integer("seed"), 7);
}

TEST(CommandLine, TakesAFileThatIsCalledLikeACommand) {
  EXPECT_EQ(request({"inspect", "eval"}).values.text("MODEL"), "eval");
}

TEST(CommandLine, CollectsRepeatedShapes) {
  const CommandRequest asked =
      request({"inspect", "m.onnx", "--input-shape", "a=1,3", "--input-shape", "b=-1,4"});
  EXPECT_THAT(asked.values.shapes("input-shape").at("a"), ElementsAre(1, 3));
  EXPECT_THAT(asked.values.shapes("input-shape").at("b"), ElementsAre(-1, 4));
}

TEST(CommandLine, NamesTheNearestCommandAndOption) {
  EXPECT_THAT(refusal({"quantise", "m.onnx"}),
              HasSubstr("unknown command 'quantise'; did you mean 'quantize'?"));
  EXPECT_THAT(refusal({"search", "m.onnx", "--avgbits", "3"}),
              HasSubstr("unknown option '--avgbits'; did you mean '--avg-bits'?"));
  EXPECT_THAT(refusal({"search", "m.onnx", "--act-rnage=mse"}), HasSubstr("'--act-rnage'"));
  EXPECT_THAT(refusal({"--hlep"}), HasSubstr("did you mean '--help'?"));
  EXPECT_THAT(refusal({"frobnicate"}),
              HasSubstr("unknown command 'frobnicate'; 'ompq --help' lists what there is"));
}

TEST(CommandLine, SaysWhatIsMissing) {
  EXPECT_THAT(refusal({}), HasSubstr("no command is given"));
  EXPECT_THAT(refusal({"inspect"}), AllOf(HasSubstr("MODEL is missing"), HasSubstr("ONNX file")));
  EXPECT_THAT(refusal({"search", "m", "--avg-bits", "3"}), HasSubstr("--data is missing"));
  EXPECT_THAT(refusal({"quantize", "m", "-d", "x", "--avg-bits", "3"}),
              HasSubstr("--output is missing"));
  EXPECT_THAT(refusal({"search", "m", "-d", "x"}), HasSubstr("at least one of --size, --avg-bits"));
  EXPECT_EQ(refusal({"search", "m", "--avg-bits"}), "[--avg-bits] needs a value");
  EXPECT_EQ(refusal({"search", "m", "--avg-bits", "--data", "x"}), "[--avg-bits] needs a value");
}

TEST(CommandLine, RefusesWhatIsTooMuch) {
  EXPECT_THAT(refusal({"inspect", "a", "b"}), HasSubstr("'b' is one operand too many"));
  EXPECT_THAT(refusal({"inspect", "a", "--seed", "1", "--seed", "2"}),
              HasSubstr("[--seed] is given 2 times ('1' and '2')"));
  EXPECT_EQ(refusal({"inspect", "a", "--json=yes"}), "[--json] takes no value");
  EXPECT_THAT(refusal({"quantize", "m", "-d", "x", "-o", "y", "-a", "z", "--size", "1MB"}),
              HasSubstr("--allocation and --size exclude each other"));
  EXPECT_THAT(refusal({"inspect", "a", "--quiet", "--verbose"}), HasSubstr("exclude each other"));
}

TEST(CommandLine, HoldsValuesToTheirRange) {
  const std::vector<std::string> start{"search", "m", "-d", "x", "--avg-bits"};
  const auto with = [&](const std::vector<std::string>& rest) {
    std::vector<std::string> words = start;
    words.insert(words.end(), rest.begin(), rest.end());
    return refusal(words);
  };
  EXPECT_EQ(with({"9"}), "[--avg-bits] '9' is not a number in 1..8");
  EXPECT_THAT(with({"3", "--size", "3QB"}), HasSubstr("'3QB' is not a size such as"));
  EXPECT_THAT(with({"3", "--samples", "1"}), HasSubstr("'1' is not a whole number, 2 or more"));
  EXPECT_THAT(with({"3", "--solver", "cplex"}), HasSubstr("one of ilp, lp, projection"));
  EXPECT_THAT(with({"3", "--candidates", "2,9"}), HasSubstr("'9' is not a list"));
}

TEST(CommandLine, AsksForHelpEvenWhereTheRestIsWrong) {
  const auto help = [&](const std::vector<std::string>& words) {
    const auto answer = std::get<Answer>(parse(words));
    EXPECT_EQ(answer.kind, Answer::Kind::Help);
    return answer.subject;
  };
  EXPECT_EQ(help({"--help"}), "");
  EXPECT_EQ(help({"-h"}), "");
  EXPECT_EQ(help({"quantize", "--help"}), "quantize");
  EXPECT_EQ(help({"quantize", "--size", "3QB", "-h"}), "quantize");
  EXPECT_EQ(help({"--help", "eval"}), "eval");
}

TEST(CommandLine, AsksForVersions) {
  EXPECT_FALSE(std::get<Answer>(parse({"--version"})).verbose);
  EXPECT_TRUE(std::get<Answer>(parse({"--version", "--verbose"})).verbose);
}

}  // namespace
}  // namespace ompq::app
