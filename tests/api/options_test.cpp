#include "ompq/options.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/errors.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"

namespace ompq {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A text that the option accepts.
std::string valid_text(const OptionRecord& record) {
  if (!record.fallback.empty()) return std::string(record.fallback);
  switch (record.type) {
    case OptionType::Choice:
    case OptionType::Choices:
      return std::string(split_choices(record.choices).front());
    case OptionType::NamedShape:
      return "x=1,3,8,8";
    case OptionType::NamedWidths:
      return "conv1=4";
    case OptionType::Duration:
      return "3ms";
    case OptionType::Text:
    case OptionType::Path:
    case OptionType::Paths:
    case OptionType::Globs:
      return "name";
    default:
      return "8";
  }
}

template <typename Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Options, TakeEachOptionOfEachCommandByItsName) {
  int set = 0;
  for (const std::string& command : command_names()) {
    Options options(command);
    for (const OptionRecord& record : all_records(*find_command(command))) {
      const std::string name(record.name);
      if (record.type == OptionType::Flag && record.group == "Common") {
        EXPECT_THAT(refusal([&] { options.set(name, true); }), HasSubstr("command line")) << name;
        continue;
      }
      ++set;
      if (record.type == OptionType::Flag) {
        options.set(name, true);
        EXPECT_TRUE(options.flags().contains(name)) << command << " " << name;
      } else {
        const std::string text = valid_text(record);
        options.set(name, text);
        EXPECT_EQ(options.texts().at(name), std::vector<std::string>{text}) << command;
      }
    }
  }
  EXPECT_GT(set, 200);
}

TEST(Options, AreListedAsTheyCanBeSet) {
  for (const std::string& command : command_names()) {
    const std::vector<OptionInfo> infos = options_of(command);
    for (const OptionInfo& info : infos) {
      EXPECT_FALSE(info.help.empty()) << command << " " << info.name;
      if (info.is_flag) EXPECT_NO_THROW(Options(command).set(info.name, true)) << info.name;
      if (!info.fallback.empty()) {
        EXPECT_NO_THROW(Options(command).set(info.name, info.fallback)) << info.name;
      }
      for (const std::string& choice : info.choices) {
        EXPECT_NO_THROW(Options(command).set(info.name, choice)) << info.name;
      }
    }
    EXPECT_EQ(infos.size() + 4, all_records(*find_command(command)).size()) << command;
  }
}

TEST(Options, RefuseUnknownNamesWithTheNearestOne) {
  int misspelled = 0;
  for (const std::string& command : command_names()) {
    for (const OptionInfo& info : options_of(command)) {
      const std::size_t dash = info.name.find('-');
      if (dash == std::string::npos) continue;
      ++misspelled;
      std::string wrong = info.name;
      wrong[dash] = '_';
      EXPECT_THAT(refusal([&] { Options(command).set(wrong, "8"); }),
                  HasSubstr("did you mean '" + info.name + "'?"));
    }
  }
  EXPECT_GT(misspelled, 50);
  EXPECT_THAT(refusal([] { Options("quantize").set("zzzzzzzz", 1); }),
              HasSubstr("options_of(\"quantize\") lists them"));
  EXPECT_THAT(refusal([] { Options("quantise"); }), HasSubstr("did you mean 'quantize'?"));
  EXPECT_THAT(refusal([] { Options("completion"); }), HasSubstr("no command that runs networks"));
}

TEST(Options, RefuseValuesAsTheyAreSet) {
  Options options("quantize");
  EXPECT_THAT(refusal([&] { options.set("avg-bits", "many"); }),
              HasSubstr("[--avg-bits] 'many' is not a number in 1..8"));
  EXPECT_THAT(refusal([&] { options.set("avg-bits", 9); }), HasSubstr("'9'"));
  EXPECT_THAT(refusal([&] { options.set("avg-bits", true); }), HasSubstr("true is not a number"));
  EXPECT_THAT(refusal([&] { options.set("explain", "yes"); }), HasSubstr("not true or false"));
  EXPECT_THAT(options.texts(), IsEmpty());
  EXPECT_THAT(options.flags(), IsEmpty());
}

TEST(Options, SpellNumbersAndListsAsTheCommandLineDoes) {
  Options options("quantize");
  options.set("avg-bits", 2.5).set("samples", 64).set("candidates", {2, 4, 8});
  options.set("exclude", std::vector<std::string>{"conv1", "fc*"});
  options.set("beside", {"uniform", "orm"}).set("beta", 0.1F);
  options.set("data", std::filesystem::path("images")).set("method", std::string_view("gptq"));
  const auto text = [&](std::string_view name) { return options.texts().find(name)->second; };
  EXPECT_THAT(text("avg-bits"), ElementsAre("2.5"));
  EXPECT_THAT(text("samples"), ElementsAre("64"));
  EXPECT_THAT(text("candidates"), ElementsAre("2,4,8"));
  EXPECT_THAT(text("exclude"), ElementsAre("conv1,fc*"));
  EXPECT_THAT(text("beside"), ElementsAre("uniform,orm"));
  EXPECT_THAT(text("beta"), ElementsAre("0.1"));
  EXPECT_THAT(text("data"), ElementsAre("images"));
  EXPECT_THAT(text("method"), ElementsAre("gptq"));
}

TEST(Options, ReplaceWhatIsSetAgainAndAddWhatIsAdded) {
  Options options("quantize");
  options.set("samples", 8).set("samples", 16).set("explain", true).set("explain", false);
  EXPECT_THAT(options.texts().at("samples"), ElementsAre("16"));
  EXPECT_THAT(options.flags(), IsEmpty());
  options.add("pin", "conv1=8").add("pin", "fc=4");
  EXPECT_THAT(options.texts().at("pin"), ElementsAre("conv1=8", "fc=4"));
  EXPECT_THAT(refusal([&] { options.add("samples", 8); }), HasSubstr("may not be repeated"));
}

TEST(Options, TakeSamplesInPlaceOfFilesAndTheOtherWayRound) {
  const std::array<std::uint8_t, 4> pixels{};
  Options options("quantize");
  options.set_samples("data", Array({1, 2, 2}, pixels));
  EXPECT_TRUE(options.arrays().contains("data"));
  options.set("data", "images");
  EXPECT_FALSE(options.arrays().contains("data"));
  options.set_samples("data", Array({1, 2, 2}, pixels));
  EXPECT_FALSE(options.texts().contains("data"));
  EXPECT_THAT(refusal([&] {
                options.set_samples("output", Array({1, 2, 2}, pixels));
              }),
              HasSubstr("[--output] takes no samples"));
}

TEST(Array, KnowsTypeShapeAndBytesOfWhatItViews) {
  const std::vector<float> numbers{1, 2, 3, 4, 5, 6};
  const Array array({2, 3}, numbers);
  EXPECT_EQ(array.type, DataType::Float32);
  EXPECT_THAT(array.shape, ElementsAre(2, 3));
  EXPECT_EQ(array.bytes.data(), reinterpret_cast<const std::byte*>(numbers.data()));
  EXPECT_EQ(array.bytes.size(), 24U);
  const std::array<std::uint16_t, 2> words{};
  EXPECT_EQ(Array({2}, words).type, DataType::UInt16);
  static_assert(!std::is_constructible_v<Array, std::vector<std::int64_t>, std::vector<float>>,
                "a temporary vector would be gone before the call");
}

}  // namespace
}  // namespace ompq
