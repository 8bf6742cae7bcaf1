#include <algorithm>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "fields/whole.h"
#include "ompq/fields/schema.h"
#include "ompq/fields/write.h"

// A struct with a field of each kind, there and back; read_test.cpp has what is refused.

namespace ompq::fields {
namespace {

using testing::Answer;
using testing::full;
using testing::kFull;
using testing::read;
using testing::Whole;

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

TEST(Fields, EndWithARefusal) {
  EXPECT_EQ(to_json(Answer{"a", "no", 3}).dump(), R"({"asked":"a","refused":"no"})");
  EXPECT_EQ(to_json(Answer{"a", "", 3}).dump(), R"({"asked":"a","value":3})");
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

}  // namespace
}  // namespace ompq::fields
