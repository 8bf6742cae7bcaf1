#include "ompq/ptq/file_formats.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/options/command_table.h"

namespace ompq::ptq {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::vector<std::string> offered_by(std::string_view command) {
  for (const OptionRecord& record : find_command(command)->options) {
    if (record.name != "format") continue;
    const auto choices = split_choices(record.choices);
    return {choices.begin(), choices.end()};
  }
  return {};
}

TEST(FileFormats, AreWhatTheCommandLineOffers) {
  std::vector<std::string> all;
  std::vector<std::string> after_epochs;
  for (const FormatRow& row : file_formats()) {
    all.emplace_back(row.name);
    if (row.after_epochs) after_epochs.emplace_back(row.name);
  }
  EXPECT_THAT(offered_by("quantize"), ElementsAreArray(all));
  EXPECT_THAT(offered_by("finetune"), ElementsAreArray(after_epochs));
}

TEST(FileFormats, AnUnknownNameComesWithTheNearest) {
  try {
    (void)file_format("paked");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'packed'?"));
  }
}

TEST(UnreadTypes, AreThoseOfTwoBitsAndNameTheWayOut) {
  using enum onnx_io::WeightFormat;
  const auto warning = unread_types({.format = Qdq, .opset = 25}, {1, 4, 2, 8});
  ASSERT_TRUE(warning.has_value());
  EXPECT_THAT(*warning, HasSubstr("--opset 25 stores the weights of 2 layers"));
  EXPECT_THAT(*warning, HasSubstr("give --opset 24"));
  EXPECT_FALSE(unread_types({.format = Qdq, .opset = 25}, {3, 4, 8}));
  EXPECT_FALSE(unread_types({.format = Qdq, .opset = 24}, {1, 2}));
  EXPECT_FALSE(unread_types({.format = Qdq}, {1, 2}));
  EXPECT_FALSE(unread_types({.format = Packed, .opset = 25}, {1, 2}));
}

}  // namespace
}  // namespace ompq::ptq
