#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/error.h"
#include "ompq/fields/declare.h"
#include "ompq/fields/former_names.h"
#include "ompq/fields/read.h"
#include "ompq/fields/schema.h"
#include "ompq/fields/write.h"

// A struct with a field of each kind, there and back.

namespace ompq::fields {
namespace {

using ::testing::HasSubstr;

struct Part {
  std::string name;
  std::optional<double> share;
};

template <typename Visitor, Of<Part> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Part", "A part.");
  v("name", s.name, "what it is called", formerly("title"));
  v("share", s.share, "0..1", kShare);
}

struct Whole {
  bool flag = false;
  int small = 0;
  std::uint64_t seed = 0;
  double number = 0;
  std::string note;
  std::string follows;
  std::optional<double> known;
  std::vector<Part> parts;
  std::vector<std::pair<std::string, double>> seconds;
  std::vector<double> table;
  std::string embedded;
  int cached = 0;
};

template <typename Visitor, Of<Whole> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Whole", "A field of each kind.");
  v("flag", s.flag, "");
  v("small", s.small, "", kCount);
  v("seed", s.seed, "");
  v("number", s.number, "");
  v("note", s.note, "", kOmitEmpty);
  v("follows", s.follows, "", kNullEmpty);
  v("known", s.known, "", kNullEmpty);
  v("parts", s.parts, "");
  v("seconds", s.seconds, "");
  v.matrix("table", s.table, s.parts.size(), "", where(!s.table.empty()));
  v("embedded", s.embedded, "", kJsonText);
  v.computed(
      "count", [&] { return static_cast<std::int64_t>(s.parts.size()); }, "");
  v.internal(s.cached);
}

Whole full() {
  return {.flag = true,
          .small = 3,
          .seed = 18446744073709551615U,
          .number = 0.1,
          .note = "n",
          .follows = "a",
          .known = 2.5,
          .parts = {{"a", 0.5}, {"b", std::nullopt}},
          .seconds = {{"z", 1}, {"a", 2}},
          .table = {1, 2, 3, 4},
          .embedded = R"({"x":1})",
          .cached = 7};
}

const std::string kFull =
    R"({"flag":true,"small":3,"seed":18446744073709551615,"number":0.1,"note":"n","follows":"a",)"
    R"("known":2.5,"parts":[{"name":"a","share":0.5},{"name":"b"}],"seconds":{"z":1.0,"a":2.0},)"
    R"("table":[[1.0,2.0],[3.0,4.0]],"embedded":{"x":1},"count":2})";

const Source kSource{.place = "whole.json", .remedy = "write it again"};

template <typename T = Whole>
T read(const std::string& text) {
  return from_json<T>(parse(text, kSource), kSource);
}

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

/// kFull with `from` replaced by `to`.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = kFull;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Fields, AreWrittenInTheOrderOfTheirDeclaration) { EXPECT_EQ(to_json(full()).dump(), kFull); }

TEST(Fields, ThatAreEmptyAreLeftOutOrNull) {
  EXPECT_EQ(to_json(Whole{}).dump(),
            R"({"flag":false,"small":0,"seed":0,"number":0.0,"follows":null,"known":null,)"
            R"("parts":[],"seconds":{},"count":0})");
}

TEST(Fields, ComeBackAsTheyWereWritten) {
  EXPECT_EQ(to_json(read(kFull)).dump(), kFull);
  EXPECT_EQ(to_json(read(to_json(Whole{}).dump())).dump(), to_json(Whole{}).dump());
}

TEST(Fields, ThatAreNoNumberAreNull) {
  Whole whole = full();
  whole.number = std::nan("");
  EXPECT_TRUE(std::isnan(read(to_json(whole).dump()).number));
}

TEST(Fields, AreReadByTheirFormerNames) {
  EXPECT_EQ(read(changed(R"("name":"a")", R"("title":"a")")).parts[0].name, "a");
}

TEST(Fields, IgnoreKeysThatNobodyDeclared) {
  EXPECT_EQ(to_json(read(changed(R"("flag":true)", R"("flag":true,"colour":"red")"))).dump(),
            kFull);
}

TEST(Fields, OfAnotherTypeOrOutOfRangeAreNamed) {
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

struct Answer {
  std::string asked;
  std::string refused;
  int value = 0;
};

template <typename Visitor, Of<Answer> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Answer", "");
  v("asked", s.asked, "");
  v("refused", s.refused, "", kExclusive);
  v("value", s.value, "");
}

TEST(Fields, EndWithARefusal) {
  EXPECT_EQ(to_json(Answer{"a", "no", 3}).dump(), R"({"asked":"a","refused":"no"})");
  EXPECT_EQ(to_json(Answer{"a", "", 3}).dump(), R"({"asked":"a","value":3})");
  EXPECT_EQ(read<Answer>(R"({"asked":"a","refused":"no"})").refused, "no");
  EXPECT_THAT(refusal<Answer>(R"({"asked":"a"})"), HasSubstr(R"("value" is missing)"));
}

TEST(Schema, SaysOfEachFieldWhatItIs) {
  Schema schema;
  schema.add<Whole>();
  schema.add<Answer>();
  ASSERT_EQ(schema.structs().size(), 3U);
  EXPECT_EQ(schema.structs().front().name, "Part") << "parts come before what holds them";
  const auto field = [&](const char* of, const char* name) -> const Field& {
    return *std::ranges::find(schema.find(of)->fields, name, &Field::name);
  };
  EXPECT_EQ(field("Whole", "parts").type.kind, Type::Kind::List);
  EXPECT_EQ(field("Whole", "parts").type.item.front().object, "Part");
  EXPECT_EQ(field("Whole", "seconds").type.kind, Type::Kind::Map);
  EXPECT_EQ(field("Whole", "embedded").type.kind, Type::Kind::Json);
  EXPECT_EQ(field("Whole", "count").type.kind, Type::Kind::Whole);
  EXPECT_TRUE(field("Whole", "count").computed);
  EXPECT_FALSE(field("Whole", "flag").computed);
  EXPECT_EQ(field("Part", "name").former_name, "title");
  for (const char* optional : {"note", "table", "embedded"}) {
    EXPECT_TRUE(field("Whole", optional).optional) << optional;
  }
  for (const char* nullable : {"follows", "known"}) {
    EXPECT_TRUE(field("Whole", nullable).nullable) << nullable;
    EXPECT_FALSE(field("Whole", nullable).optional) << nullable;
  }
  EXPECT_FALSE(field("Answer", "asked").optional);
  EXPECT_TRUE(field("Answer", "value").optional) << "a refusal leaves it out";
  EXPECT_EQ(std::ranges::count(schema.find("Whole")->fields, "cached", &Field::name), 0);
}

TEST(RenameFormer, GivesFieldsTheNamesThatTheyHaveNow) {
  Schema schema;
  const Type type = schema.add<Whole>();
  Json document = parse(changed(R"("name":"a")", R"("title":"a")"), kSource);
  rename_former(document, schema, type);
  EXPECT_EQ(document.dump(), kFull);
  // What nobody declared, or is of another type, stays as it is.
  Json other = parse(R"({"title":1,"parts":[3,{"title":[]}]})", kSource);
  rename_former(other, schema, type);
  EXPECT_EQ(other.dump(), R"({"title":1,"parts":[3,{"name":[]}]})");
}

}  // namespace
}  // namespace ompq::fields
