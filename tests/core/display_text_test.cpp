#include "ompq/core/display_text.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::string_literals;

/// True if every byte may be sent to a terminal: valid UTF-8 without control characters.
bool is_safe(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (!point.valid || is_control(point.value)) return false;
    text.remove_prefix(point.bytes);
  }
  return true;
}

TEST(FirstCodePoint, KnowsTheBordersOfUtf8) {
  const std::vector<std::pair<std::string, char32_t>> valid{{"a", 'a'},
                                                            {"\x7f", 0x7F},
                                                            {"\xc2\x80", 0x80},
                                                            {"\xdf\xbf", 0x7FF},
                                                            {"\xe0\xa0\x80", 0x800},
                                                            {"\xed\x9f\xbf", 0xD7FF},
                                                            {"\xee\x80\x80", 0xE000},
                                                            {"\xf0\x90\x80\x80", 0x10000},
                                                            {"\xf4\x8f\xbf\xbf", 0x10FFFF}};
  for (const auto& [text, value] : valid) {
    const CodePoint point = first_code_point(text);
    EXPECT_TRUE(point.valid);
    EXPECT_EQ(point.value, value);
    EXPECT_EQ(point.bytes, text.size());
  }
  // Overlong forms, surrogates, what is past the last code point, truncated and stray bytes.
  for (const char* text : {"\xc0\x80",
                           "\xc1\xbf",
                           "\xe0\x9f\xbf",
                           "\xf0\x8f\xbf\xbf",
                           "\xed\xa0\x80",
                           "\xed\xbf\xbf",
                           "\xf4\x90\x80\x80",
                           "\xf5\x80\x80\x80",
                           "\x80",
                           "\xff",
                           "\xe2\x80",
                           "\xc3(",
                           "\xf0\x9f\x98"}) {
    const CodePoint point = first_code_point(text);
    EXPECT_FALSE(point.valid) << display_text(text);
    EXPECT_EQ(point.bytes, 1U) << display_text(text);
  }
}

TEST(DisplayText, EscapesWhatATerminalActsOn) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"layer1.0/conv", "layer1.0/conv"},
      {"Größe 层 😀", "Größe 层 😀"},
      {"a\nb\r\tc", "a\\nb\\r\\tc"},
      {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
      {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
      {"cut\0here"s, "cut\\x00here"},
      {"\x7f\x08", "\\x7f\\x08"},
      {"\xc2\x9b"
       "31m",
       "\\u009b31m"},
      {"\x9b"
       "31m",
       "\\x9b31m"},
      {"a\xe2\x80\xae"
       "b",
       "a\\u202eb"},
      {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"},
      {"\xe2\x80\x8b\xe2\x80\x8c\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f",
       "\\u200b\\u200c\\u200d\\u200e\\u200f"},
      {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},
      {"\xef\xbb\xbf", "\\ufeff"},
      {"\xf3\xa0\x81\x81", "\\U000e0041"},
      {"\xff\xfe", "\\xff\\xfe"}};
  for (const auto& [text, shown] : cases) {
    EXPECT_EQ(display_text(text), shown);
    EXPECT_EQ(display_text(shown), shown) << "escaping twice changes nothing";
  }
}

TEST(DisplayText, OfAnyBytesIsSafe) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second), '\xbf', 'x'};
      EXPECT_TRUE(is_safe(display_text(text))) << first << " " << second;
    }
  }
}

TEST(DisplayName, KeepsBothEndsOfALongNameAndSaysItsLength) {
  EXPECT_EQ(display_name(std::string(kShownName, 'a')), std::string(kShownName, 'a'));
  const std::string shown = display_name("begin" + std::string(100'000, 'x') + "end");
  EXPECT_THAT(shown,
              AllOf(StartsWith("beginxxx"), EndsWith("xxxend"), HasSubstr("[100008 characters]")));
  EXPECT_LT(shown.size(), kShownName + 40);
  // Characters, not bytes; and none is cut.
  std::string wide;
  for (int i = 0; i < 1000; ++i) wide += "层";
  EXPECT_THAT(display_name(wide), HasSubstr("[1000 characters]"));
  EXPECT_TRUE(is_safe(display_name(wide)));
}

TEST(DisplayLines, KeepOnlyNewlines) {
  EXPECT_EQ(display_lines("a\tb\n\x1b[2Jc\n"), "a\\tb\n\\x1b[2Jc\n");
}

TEST(DisplayMessage, IsShortAndKeepsItsEnds) {
  EXPECT_EQ(display_message("plain; do this"), "plain; do this");
  const std::string word = display_message("layer '" + std::string(5000, 'n') + "' has 9 bits");
  EXPECT_THAT(word, AllOf(StartsWith("layer 'nnn"), EndsWith("nnn' has 9 bits")));
  EXPECT_LT(word.size(), 300U);
  std::string words = "begin";
  for (int i = 0; i < 100'000; ++i) words += " word";
  words += "; the way out";
  const std::string message = display_message(words);
  EXPECT_LE(message.size(), kMostMessage);
  EXPECT_THAT(message, AllOf(StartsWith("begin word"), EndsWith("word; the way out")));
  std::string controls(5000, '\x1b');
  EXPECT_LE(display_message(controls + " " + controls).size(), kMostMessage);
  std::string wide = "a";
  for (int i = 0; i < 2000; ++i) wide += " 层层";
  EXPECT_TRUE(is_safe(display_message(wide)));
  EXPECT_LE(display_message(wide).size(), kMostMessage);
}

TEST(DisplayMessage, OfLinesKeepsTheFirstTheirCountAndTheWayOut) {
  EXPECT_EQ(display_message(std::vector<std::string>{"2 errors:", "  a\nb", "  c"}),
            "2 errors:\n  a\\nb\n  c");
  std::vector<std::string> lines{"500 errors:"};
  for (int i = 0; i < 500; ++i) lines.push_back("  error " + std::to_string(i));
  lines.emplace_back("do this");
  const std::string shown = display_message(lines);
  EXPECT_THAT(shown, AllOf(HasSubstr("\n  error 19\n"), EndsWith("\n  and 480 more\ndo this")));
  EXPECT_EQ(display_message(lines_of(shown)), shown) << "shown twice, it says the same";
  for (std::string& line : lines) line += std::string(10'000, 'x');
  const std::string cut = display_message(lines);
  EXPECT_LE(cut.size(), kMostMessage);
  EXPECT_EQ(display_message(lines_of(cut)), cut);
  const std::string one = "a line of " + std::string(1000, ' ') + " blanks";
  EXPECT_EQ(display_message(std::vector<std::string>{one}), one);
}

TEST(LinesOf, UndoesTheirJoin) {
  EXPECT_EQ(lines_of("a\n  b\nc"), (std::vector<std::string>{"a", "  b", "c"}));
  EXPECT_EQ(lines_of(""), std::vector<std::string>{""});
}

TEST(DisplayJson, IsTheSameDocumentWithoutControlCharacters) {
  EXPECT_EQ(display_json(R"({"a":"Größe"})"), R"({"a":"Größe"})");
  EXPECT_EQ(display_json("{\"a\":\"\xe2\x80\xae\xc2\x9b\x7f\xf3\xa0\x81\x81\"}"),
            "{\"a\":\"\\u202e\\u009b\\u007f\\udb40\\udc41\"}");
}

}  // namespace
}  // namespace ompq
