#include "ompq/fields/read.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fields/whole.h"
#include "ompq/core/error.h"
#include "ompq/fields/write.h"

namespace ompq::fields {
namespace {

using testing::Answer;
using testing::changed;
using ::testing::HasSubstr;
using testing::kFull;
using testing::kSource;
using testing::read;
using testing::Whole;

template <typename T = Whole>
std::string refusal(const std::string& text) {
  try {
    (void)read<T>(text);
  } catch (const DataError& error) {
    return error.what();
  }
  ADD_FAILURE() << "was read: " << text;
  return "";
}

TEST(FromJson, ReadsFieldsByTheirFormerNames) {
  EXPECT_EQ(read(changed(R"("name":"a")", R"("title":"a")")).parts[0].name, "a");
}

TEST(FromJson, IgnoresUnknownKeys) {
  EXPECT_EQ(to_json(read(changed(R"("flag":true)", R"("flag":true,"colour":"red")"))).dump(),
            kFull);
}

TEST(FromJson, NamesFieldsOfAnotherTypeOrOutOfRange) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {changed(R"("flag":true)", R"("flag":1)"), R"("flag" is 1; it must be true or false)"},
      {changed(R"("small":3)", R"("small":3.5)"), R"("small" is 3.5; it must be a whole number)"},
      {changed(R"("small":3)", R"("small":4294967296)"), R"("small" is 4294967296; it must be a)"},
      {changed(R"("small":3)", R"("small":-1)"), R"("small" is -1; it must be at least 0)"},
      {changed(R"("seed":18446744073709551615)", R"("seed":-1)"), R"("seed" is -1; it must be a)"},
      {changed(R"("number":0.1)", R"("number":"x")"), R"("number" is "x"; it must be a number)"},
      {changed(R"("note":"n")", R"("note":[])"), R"("note" is []; it must be a text)"},
      {changed(R"("share":0.5)", R"("share":1.5)"),
       R"("parts[0].share" is 1.5; it must be in 0..1)"},
      {changed(R"({"name":"b"})", R"({})"), R"("parts[1].name" is missing)"},
      {changed(R"({"name":"b"})", R"(3)"), R"("parts[1]" is 3; it must be an object)"},
      {changed(R"("z":1.0)", R"("z":true)"), R"("seconds.z" is true; it must be a number)"},
      {changed("[3.0,4.0]", "[3.0]"), R"("table[1]" is [3.0]; it must be a list of 2 numbers)"},
      {changed(R"("small":3,)", ""), R"("small" is missing)"},
      {"[]", "the document is []; it must be an object"},
      {"{", "is not valid JSON at byte 1 of 1"}};
  for (const auto& [text, expected] : cases) {
    const std::string message = refusal(text);
    EXPECT_THAT(message, HasSubstr(expected)) << text;
    EXPECT_THAT(message, HasSubstr("[whole.json] ")) << text;
    EXPECT_THAT(message, HasSubstr("; write it again")) << text;
  }
}

TEST(FromJson, NeedsNoFieldsAfterARefusal) {
  EXPECT_EQ(read<Answer>(R"({"asked":"a","refused":"no"})").refused, "no");
  EXPECT_THAT(refusal<Answer>(R"({"asked":"a"})"), HasSubstr(R"("value" is missing)"));
}

template <typename Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Parse, NamesTheByteThatIsNotJson) {
  EXPECT_EQ(parse("[1, 2]", kSource).dump(), "[1,2]");
  EXPECT_EQ(message_of([] { (void)parse("{\"a\": 1,}", kSource); }),
            "[whole.json] is not valid JSON at byte 9 of 9; write it again");
  EXPECT_THAT(message_of([] { (void)parse("", kSource); }), HasSubstr("at byte 0 of 0"));
}

/// "[[...]]" of this depth.
std::string nested(int depth, char open = '[', char close = ']') {
  return std::string(static_cast<std::size_t>(depth), open) +
         std::string(static_cast<std::size_t>(depth), close);
}

TEST(Parse, RefusesWhatIsNestedTooDeeplyWhereverItIs) {
  EXPECT_NO_THROW((void)parse(nested(kMostNested), kSource));
  EXPECT_THAT(message_of([] { (void)parse(nested(kMostNested + 1), kSource); }),
              HasSubstr("is nested deeper than 100 levels; write it again"));
  const std::string deep(200'000, '[');
  for (const std::string& text : {deep,
                                  "{\"small\": " + nested(200'000) + "}",
                                  "{\"parts\": [{\"name\": " + deep,
                                  "[1, " + nested(200'000) + ", 2]"}) {
    EXPECT_THAT(message_of([&] { (void)parse(text, kSource); }), HasSubstr("nested deeper"));
    EXPECT_FALSE(parse_if_valid(text));
  }
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(message_of([&] { (void)parse(objects, kSource); }), HasSubstr("nested deeper"));
}

TEST(Parse, RefusesAKeyThatIsThereTwice) {
  EXPECT_NO_THROW((void)parse(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})", kSource));
  EXPECT_EQ(message_of([] { (void)parse(R"({"b": [{"a": 1, "c": {"a": 3}, "a": 2}]})", kSource); }),
            "[whole.json] has the key \"a\" twice in one object; write it again");
  EXPECT_THAT(message_of([] { (void)parse("{\"\\u001b[2J\": 1, \"\\u001b[2J\": 2}", kSource); }),
              HasSubstr("has the key \"\\x1b[2J\" twice"));
}

TEST(Parse, RefusesNumbersThatNoDoubleIs) {
  EXPECT_EQ(message_of([] { (void)parse(R"({"a": 1e999})", kSource); }),
            "[whole.json] has the number 1e999 at byte 11, which is out of range; write it again");
  EXPECT_THAT(message_of([] { (void)parse("[-1e400]", kSource); }), HasSubstr("out of range"));
  EXPECT_THAT(message_of([] { (void)parse("[" + std::string(5000, '9') + "]", kSource); }),
              HasSubstr("[5000 characters]"));
  EXPECT_EQ(parse("[1e308, 18446744073709551615, 1e-400]", kSource).size(), 3U);
}

TEST(Parse, RefusesBytesThatAreNotUtf8) {
  EXPECT_THAT(message_of([] { (void)parse("{\"a\": \"\xff\"}", kSource); }),
              HasSubstr("is not valid JSON at byte 8 of 10"));
}

TEST(ParseIfValid, IsTheSameDocumentOrNone) {
  EXPECT_EQ(parse_if_valid("[1, 2]"), parse("[1, 2]", kSource));
  for (const char* text : {"", "[1", "{\"a\":1,\"a\":2}", "[1e999]", "nul"}) {
    EXPECT_FALSE(parse_if_valid(text)) << text;
  }
}

TEST(FromJson, RefusesNullForANumberWhereTheSourceIsFinite) {
  Source source = kSource;
  EXPECT_TRUE(std::isnan(fields::from_json<double>(Json(), source)));
  source.finite = true;
  EXPECT_EQ(message_of([&] { (void)fields::from_json<double>(Json(), source, "a"); }),
            "[whole.json] \"a\" is null; it must be a number; write it again");
  EXPECT_EQ(fields::from_json<double>(Json(1.5), source), 1.5);
}

TEST(TextOf, IsValidJsonThatIsSafeToShow) {
  const Json json{{"a\xff\x1b", "b\xe2\x80\xae\x7f\xc2\x9b"}};
  const std::string text = text_of(json);
  EXPECT_EQ(text, "{\"a\xef\xbf\xbd\\u001b\":\"b\\u202e\\u007f\\u009b\"}");
  EXPECT_EQ(parse(text, kSource).begin().value(), json.begin().value());
}

TEST(Refuse, QuotesTheValueUpToEightyCharacters) {
  const Json long_text = std::string(200, 'x');
  EXPECT_EQ(message_of([&] { refuse(kSource, "a.b", long_text, "short"); }),
            "[whole.json] \"a.b\" is \"" + std::string(79, 'x') +
                "...; it must be short; write it again");
  EXPECT_EQ(message_of([] { refuse(kSource, "", Json(1), "a list"); }),
            "[whole.json] the document is 1; it must be a list; write it again");
  EXPECT_EQ(message_of([] { refuse_missing(kSource, "a"); }),
            "[whole.json] \"a\" is missing; write it again");
}

TEST(RequireRange, IncludesBothEnds) {
  const auto with = [](double value, const Marks& marks) {
    return message_of([&] { require_range(kSource, "a", Json(value), marks); });
  };
  for (const double value : {0.0, 0.5, 1.0}) EXPECT_EQ(with(value, kShare), "nothing was thrown");
  EXPECT_THAT(with(1.5, kShare), HasSubstr("it must be in 0..1"));
  EXPECT_THAT(with(-0.5, kShare), HasSubstr("\"a\" is -0.5; it must be in 0..1"));
  EXPECT_THAT(with(-1, kCount), HasSubstr("it must be at least 0"));
  EXPECT_THAT(with(3, {.max = 2}), HasSubstr("it must be at most 2"));
  EXPECT_EQ(with(-1e300, {}), "nothing was thrown");
}

TEST(PathOf, JoinsNamesByADot) {
  EXPECT_EQ(path_of("", "layers"), "layers");
  EXPECT_EQ(path_of("layers[3]", "weights"), "layers[3].weights");
}

}  // namespace
}  // namespace ompq::fields
